// RUN: fold_quantization

// Without a bias one appears; multipliers that differ become vectors over the channels.
// CHECK: "kern.contract"
// CHECK: }) {kind = "dense", roles = []}
// CHECK: {value = dense<[-9, -21]> : tensor<2xsi32>}
// CHECK: "arith.addi"
// CHECK: "kern.const"() {value = dense<[-1, 0]> : tensor<2xsi32>}
// CHECK: {value = 1073741824 : i64}
// CHECK: "arith.mbqm"
// CHECK-NOT: kern.rescale
"kern.func"() ({
^bb0(%x: tensor<1x2x!quant.uniform<i8:f32, 0.5:3>>):
  %w = "kern.const"() {value = dense<[[1, 2], [3, 4]]> : tensor<2x2xsi8>} : () -> tensor<2x2xsi8>
  %0 = "kern.contract"(%x, %w) ({
  ^bb0(%a: i32):
    "kern.yield"(%a) : (i32) -> ()
  }) {kind = "dense", x_zero_point = 3, roles = []} : (tensor<1x2x!quant.uniform<i8:f32, 0.5:3>>, tensor<2x2xsi8>) -> tensor<1x2xsi32>
  %1 = "kern.rescale"(%0) {multipliers = array<f64: 0.25, 0.5>, zero_point = 0} : (tensor<1x2xsi32>) -> tensor<1x2xsi32>
  "kern.return"(%1) : (tensor<1x2xsi32>) -> ()
}) {sym_name = "main"} : () -> ()

// -----
// Weights that are known only at run time: the contraction goes on subtracting.
// CHECK: x_zero_point = 3 : i64
"kern.func"() ({
^bb0(%x: tensor<1x2x!quant.uniform<i8:f32, 0.5:3>>, %w: tensor<2x2xsi8>):
  %0 = "kern.contract"(%x, %w) ({
  ^bb0(%a: i32):
    "kern.yield"(%a) : (i32) -> ()
  }) {kind = "dense", x_zero_point = 3, roles = []} : (tensor<1x2x!quant.uniform<i8:f32, 0.5:3>>, tensor<2x2xsi8>) -> tensor<1x2xsi32>
  "kern.return"(%0) : (tensor<1x2xsi32>) -> ()
}) {sym_name = "main"} : () -> ()
