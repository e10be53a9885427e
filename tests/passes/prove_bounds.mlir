// RUN: prove_bounds

// A clamp before it narrows what a contraction reads, and padding widens it again.
// CHECK: "kern.contract"(%0
// CHECK: x_range = array<i64: 0, 6>
// CHECK: "kern.contract"(%0
// CHECK: x_range = array<i64: -9, 6>
"kern.func"() ({
^bb0(%x: tensor<1x4x4x1x!quant.uniform<i8:f32, 0.5:0>>, %w: tensor<1x1x1x1xsi8>):
  %0 = "kern.map"(%x) ({
  ^bb0(%e: i32):
    %l = "arith.constant"() {value = 0} : () -> i32
    %h = "arith.constant"() {value = 6} : () -> i32
    %a = "arith.maxsi"(%e, %l) : (i32, i32) -> i32
    %b = "arith.minsi"(%a, %h) : (i32, i32) -> i32
    "kern.yield"(%b) : (i32) -> ()
  }) {roles = ["pixel"]} : (tensor<1x4x4x1x!quant.uniform<i8:f32, 0.5:0>>) -> tensor<1x4x4x1x!quant.uniform<i8:f32, 0.5:0>>
  %1 = "kern.contract"(%0, %w) ({
  ^bb0(%a: i32):
    "kern.yield"(%a) : (i32) -> ()
  }) {kind = "conv", strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, roles = []} : (tensor<1x4x4x1x!quant.uniform<i8:f32, 0.5:0>>, tensor<1x1x1x1xsi8>) -> tensor<1x4x4x1xsi32>
  %2 = "kern.contract"(%0, %w) ({
  ^bb0(%a: i32):
    "kern.yield"(%a) : (i32) -> ()
  }) {kind = "conv", strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pad = array<i64: 1, 1, 1, 1>, pad_value = -9, roles = []} : (tensor<1x4x4x1x!quant.uniform<i8:f32, 0.5:0>>, tensor<1x1x1x1xsi8>) -> tensor<1x6x6x1xsi32>
  "kern.return"(%1, %2) : (tensor<1x4x4x1xsi32>, tensor<1x6x6x1xsi32>) -> ()
}) {sym_name = "main"} : () -> ()

// -----
// A multiplier that is known only at run time proves nothing.
// CHECK: "arith.mbqm"
// CHECK-NOT: x_bound
"kern.func"() ({
^bb0(%x: tensor<4xsi32>, %m: tensor<4xsi32>):
  %0 = "kern.map"(%x, %m) ({
  ^bb0(%e: i32, %f: i32):
    %s = "arith.constant"() {value = -1} : () -> i32
    %a = "arith.mbqm"(%e, %f, %s) : (i32, i32, i32) -> i32
    "kern.yield"(%a) : (i32) -> ()
  }) {roles = ["pixel", "pixel"]} : (tensor<4xsi32>, tensor<4xsi32>) -> tensor<4xsi32>
  "kern.return"(%0) : (tensor<4xsi32>) -> ()
}) {sym_name = "main"} : () -> ()
