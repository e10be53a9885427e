// RUN: fold_quantization
// CHECK: "kern.contract"(%x, %w)
// CHECK: {kind = "dense", roles = []}
// CHECK: dense<[-30, -80]> : tensor<2xsi32>
// CHECK: roles = ["pixel", "channel"]
// Without a bias there is one now: -10 * the sum of each filter.
"kern.func"() ({
^bb0(%x: tensor<1x2x!quant.uniform<i8:f32, 0.5:10>>):
  %w = "kern.const"() {value = dense<[[1, 2], [3, 5]]> : tensor<2x2xsi8>} : () -> tensor<2x2xsi8>
  %0 = "kern.contract"(%x, %w) ({
  ^bb0(%a: i32):
    "kern.yield"(%a) : (i32) -> ()
  }) {kind = "dense", x_zero_point = 10 : i64, roles = []} : (tensor<1x2x!quant.uniform<i8:f32, 0.5:10>>, tensor<2x2xsi8>) -> tensor<1x2xsi32>
  "kern.return"(%0) : (tensor<1x2xsi32>) -> ()
}) {sym_name = "main"} : () -> ()

// -----
// CHECK: x_zero_point = 10
// Weights that are known only at run time: the contraction has to subtract.
"kern.func"() ({
^bb0(%x: tensor<1x2x!quant.uniform<i8:f32, 0.5:10>>, %w: tensor<2x2xsi8>):
  %0 = "kern.contract"(%x, %w) ({
  ^bb0(%a: i32):
    "kern.yield"(%a) : (i32) -> ()
  }) {kind = "dense", x_zero_point = 10 : i64, roles = []} : (tensor<1x2x!quant.uniform<i8:f32, 0.5:10>>, tensor<2x2xsi8>) -> tensor<1x2xsi32>
  "kern.return"(%0) : (tensor<1x2xsi32>) -> ()
}) {sym_name = "main"} : () -> ()

// -----
// CHECK: dense<[-5, -7]> : tensor<2xsi32>
// A depthwise filter has its channels last.
"kern.func"() ({
^bb0(%x: tensor<1x2x1x2x!quant.uniform<i8:f32, 0.5:1>>):
  %w = "kern.const"() {value = dense<[[[[1, 3]], [[4, 4]]]]> : tensor<1x2x1x2xsi8>} : () -> tensor<1x2x1x2xsi8>
  %0 = "kern.contract"(%x, %w) ({
  ^bb0(%a: i32):
    "kern.yield"(%a) : (i32) -> ()
  }) {kind = "depthwise", multiplier = 1 : i64, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, pad_value = 1 : i64, x_zero_point = 1 : i64, roles = []} : (tensor<1x2x1x2x!quant.uniform<i8:f32, 0.5:1>>, tensor<1x2x1x2xsi8>) -> tensor<1x1x1x2xsi32>
  "kern.return"(%0) : (tensor<1x1x1x2xsi32>) -> ()
}) {sym_name = "main"} : () -> ()

// -----
// CHECK: dense<[1073741824, 1610612736]> : tensor<2xsi32>
// CHECK: ^bb0(%[[X:.*]]: i32, %[[M:.*]]: i32):
// CHECK-NEXT: %[[S:.*]] = "arith.constant"() {value = -1 : i64}
// CHECK-NEXT: "arith.mbqm"(%[[X]], %[[M]], %[[S]])
// Multipliers differ, so they are a vector; their exponents agree, so they are a scalar.
"kern.func"() ({
^bb0(%x: tensor<1x2xsi32>):
  %0 = "kern.rescale"(%x) {multipliers = array<f64: 0.25, 0.375>, zero_point = 0 : i64} : (tensor<1x2xsi32>) -> tensor<1x2xsi32>
  "kern.return"(%0) : (tensor<1x2xsi32>) -> ()
}) {sym_name = "main"} : () -> ()

// -----
// CHECK: ^bb0(%[[X:.*]]: i32):
// CHECK-NEXT: %[[F:.*]] = "arith.sitofp"(%[[X]]) : (i32) -> f64
// CHECK: "arith.mulf"(%[[F]]
// CHECK: "arith.copysignf"
// CHECK: "arith.fptosi"
// CHECK-NOT: mbqm
// The reference scales sums of FULLY_CONNECTED in double precision.
"kern.func"() ({
^bb0(%x: tensor<1x2xsi32>):
  %0 = "kern.rescale"(%x) {multipliers = array<f64: 0.25>, zero_point = 0 : i64, arithmetic = "float64"} : (tensor<1x2xsi32>) -> tensor<1x2xsi32>
  "kern.return"(%0) : (tensor<1x2xsi32>) -> ()
}) {sym_name = "main"} : () -> ()
