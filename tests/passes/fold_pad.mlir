// RUN: fold_pad
// CHECK: "kern.pad"
// CHECK: pad = array<i64: 1, 0, 0, 0>
// The contraction's own padding holds 0.0: a pad with 1.0 is something else.
"kern.func"() ({
^bb0(%x: tensor<1x4x4x1xf32>, %w: tensor<1x1x1x1xf32>):
  %0 = "kern.pad"(%x) {low = array<i64: 0, 1, 1, 0>, high = array<i64: 0, 1, 1, 0>, value = 1.0 : f64} : (tensor<1x4x4x1xf32>) -> tensor<1x6x6x1xf32>
  %1 = "kern.contract"(%0, %w) ({
  ^bb0(%a: f32):
    "kern.yield"(%a) : (f32) -> ()
  }) {kind = "conv", strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pad = array<i64: 1, 0, 0, 0>, pad_value = 0.0 : f64, roles = []} : (tensor<1x6x6x1xf32>, tensor<1x1x1x1xf32>) -> tensor<1x7x6x1xf32>
  "kern.return"(%1) : (tensor<1x7x6x1xf32>) -> ()
}) {sym_name = "main"} : () -> ()

// -----
// CHECK-NOT: "kern.pad"
// CHECK: "kern.contract"(%x, %w)
// CHECK: pad = array<i64: 0, 2, 1, 0>, pad_value = 9 : i64
// Without padding of its own a contraction can hold any value there.
"kern.func"() ({
^bb0(%x: tensor<1x4x4x1x!quant.uniform<i8:f32, 0.5:3>>, %w: tensor<1x1x1x1xsi8>):
  %0 = "kern.pad"(%x) {low = array<i64: 0, 0, 1, 0>, high = array<i64: 0, 2, 0, 0>, value = 9 : i64} : (tensor<1x4x4x1x!quant.uniform<i8:f32, 0.5:3>>) -> tensor<1x6x5x1x!quant.uniform<i8:f32, 0.5:3>>
  %1 = "kern.contract"(%0, %w) ({
  ^bb0(%a: i32):
    "kern.yield"(%a) : (i32) -> ()
  }) {kind = "depthwise", strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, pad_value = 3 : i64, x_zero_point = 3 : i64, multiplier = 1 : i64, roles = []} : (tensor<1x6x5x1x!quant.uniform<i8:f32, 0.5:3>>, tensor<1x1x1x1xsi8>) -> tensor<1x6x5x1xsi32>
  "kern.return"(%1) : (tensor<1x6x5x1xsi32>) -> ()
}) {sym_name = "main"} : () -> ()

// -----
// CHECK: "kern.pad"
// CHECK: pad = array<i64: 0, 0, 0, 0>
// The padded tensor is a result too, so it exists anyway.
"kern.func"() ({
^bb0(%x: tensor<1x4x4x1xf32>, %w: tensor<1x1x1x1xf32>):
  %0 = "kern.pad"(%x) {low = array<i64: 0, 1, 1, 0>, high = array<i64: 0, 1, 1, 0>, value = 0.0 : f64} : (tensor<1x4x4x1xf32>) -> tensor<1x6x6x1xf32>
  %1 = "kern.contract"(%0, %w) ({
  ^bb0(%a: f32):
    "kern.yield"(%a) : (f32) -> ()
  }) {kind = "conv", strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, pad_value = 0.0 : f64, roles = []} : (tensor<1x6x6x1xf32>, tensor<1x1x1x1xf32>) -> tensor<1x6x6x1xf32>
  "kern.return"(%0, %1) : (tensor<1x6x6x1xf32>, tensor<1x6x6x1xf32>) -> ()
}) {sym_name = "main"} : () -> ()

// -----
// CHECK: "kern.pad"
// More channels are no padding of an image.
"kern.func"() ({
^bb0(%x: tensor<1x4x4x1xf32>, %w: tensor<1x1x1x2xf32>):
  %0 = "kern.pad"(%x) {low = array<i64: 0, 0, 0, 0>, high = array<i64: 0, 0, 0, 1>, value = 0.0 : f64} : (tensor<1x4x4x1xf32>) -> tensor<1x4x4x2xf32>
  %1 = "kern.contract"(%0, %w) ({
  ^bb0(%a: f32):
    "kern.yield"(%a) : (f32) -> ()
  }) {kind = "conv", strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, pad_value = 0.0 : f64, roles = []} : (tensor<1x4x4x2xf32>, tensor<1x1x1x2xf32>) -> tensor<1x4x4x1xf32>
  "kern.return"(%1) : (tensor<1x4x4x1xf32>) -> ()
}) {sym_name = "main"} : () -> ()
