// RUN: prove_bounds
// CHECK: x_range = array<i64: 0, 127>
// CHECK: x_range = array<i64: -7, 127>
// What a ReLU leaves bounds the next contraction; its padding counts where it has some.
"kern.func"() ({
^bb0(%x: tensor<1x4x4x1x!quant.uniform<i8:f32, 0.5:0>>, %w: tensor<1x1x1x1xsi8>):
  %0 = "kern.map"(%x) ({
  ^bb0(%p: i32):
    %z = "arith.constant"() {value = 0 : i64} : () -> i32
    %1 = "arith.maxsi"(%p, %z) : (i32, i32) -> i32
    "kern.yield"(%1) : (i32) -> ()
  }) {roles = ["pixel"]} : (tensor<1x4x4x1x!quant.uniform<i8:f32, 0.5:0>>) -> tensor<1x4x4x1x!quant.uniform<i8:f32, 0.5:0>>
  %2 = "kern.contract"(%0, %w) ({
  ^bb0(%a: i32):
    "kern.yield"(%a) : (i32) -> ()
  }) {kind = "conv", strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, roles = []} : (tensor<1x4x4x1x!quant.uniform<i8:f32, 0.5:0>>, tensor<1x1x1x1xsi8>) -> tensor<1x4x4x1xsi32>
  %3 = "kern.contract"(%0, %w) ({
  ^bb0(%a: i32):
    "kern.yield"(%a) : (i32) -> ()
  }) {kind = "conv", strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pad = array<i64: 1, 0, 0, 0>, pad_value = -7 : i64, roles = []} : (tensor<1x4x4x1x!quant.uniform<i8:f32, 0.5:0>>, tensor<1x1x1x1xsi8>) -> tensor<1x5x4x1xsi32>
  "kern.return"(%2, %3) : (tensor<1x4x4x1xsi32>, tensor<1x5x4x1xsi32>) -> ()
}) {sym_name = "main"} : () -> ()

// -----
// CHECK: "arith.mbqm"
// CHECK-SAME: x_bound = 12800 : i64, shift_range = array<i64: -3, -1>, max_trailing_zeros = 30 : i64, clamped_below = false
// Multipliers and shifts a channel; the clamp from below lies under the zero point, so negative results show.
"kern.func"() ({
^bb0(%x: tensor<1x2x!quant.uniform<i8:f32, 0.5:0>>):
  %w = "kern.const"() {value = dense<[[100, 0], [1, -1]]> : tensor<2x2xsi8>} : () -> tensor<2x2xsi8>
  %m = "kern.const"() {value = dense<[1073741824, 1073741825]> : tensor<2xsi32>} : () -> tensor<2xsi32>
  %s = "kern.const"() {value = dense<[-1, -3]> : tensor<2xsi32>} : () -> tensor<2xsi32>
  %0 = "kern.contract"(%x, %w, %m, %s) ({
  ^bb0(%a: i32, %q: i32, %e: i32):
    %1 = "arith.mbqm"(%a, %q, %e) : (i32, i32, i32) -> i32
    %z = "arith.constant"() {value = 5 : i64} : () -> i32
    %2 = "arith.addi"(%1, %z) : (i32, i32) -> i32
    %l = "arith.constant"() {value = 4 : i64} : () -> i32
    %3 = "arith.maxsi"(%2, %l) : (i32, i32) -> i32
    "kern.yield"(%3) : (i32) -> ()
  }) {kind = "dense", roles = ["channel", "channel"]} : (tensor<1x2x!quant.uniform<i8:f32, 0.5:0>>, tensor<2x2xsi8>, tensor<2xsi32>, tensor<2xsi32>) -> tensor<1x2x!quant.uniform<i8:f32, 1.0:5>>
  "kern.return"(%0) : (tensor<1x2x!quant.uniform<i8:f32, 1.0:5>>) -> ()
}) {sym_name = "main"} : () -> ()
