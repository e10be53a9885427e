// RUN: fold_pad

// Another value than the contraction's own padding holds: the padded tensor has to exist.
// CHECK: "kern.pad"
// CHECK: pad = array<i64: 1, 1, 1, 1>
"kern.func"() ({
^bb0(%x: tensor<1x4x4x1xf32>, %w: tensor<1x3x3x1xf32>):
  %0 = "kern.pad"(%x) {low = array<i64: 0, 1, 1, 0>, high = array<i64: 0, 1, 1, 0>, value = 1.0} : (tensor<1x4x4x1xf32>) -> tensor<1x6x6x1xf32>
  %1 = "kern.contract"(%0, %w) ({
  ^bb0(%a: f32):
    "kern.yield"(%a) : (f32) -> ()
  }) {kind = "conv", strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pad = array<i64: 1, 1, 1, 1>, pad_value = 0.0, roles = []} : (tensor<1x6x6x1xf32>, tensor<1x3x3x1xf32>) -> tensor<1x6x6x1xf32>
  "kern.return"(%1) : (tensor<1x6x6x1xf32>) -> ()
}) {sym_name = "main"} : () -> ()

// -----
// Without padding of its own a contraction takes any value, sides as given.
// CHECK-NOT: kern.pad
// CHECK: "kern.contract"(%x, %w)
// CHECK: pad = array<i64: 0, 2, 1, 0>, pad_value = 1.0 : f64
"kern.func"() ({
^bb0(%x: tensor<1x4x4x1xf32>, %w: tensor<1x3x3x1xf32>):
  %0 = "kern.pad"(%x) {low = array<i64: 0, 0, 1, 0>, high = array<i64: 0, 2, 0, 0>, value = 1.0} : (tensor<1x4x4x1xf32>) -> tensor<1x6x5x1xf32>
  %1 = "kern.contract"(%0, %w) ({
  ^bb0(%a: f32):
    "kern.yield"(%a) : (f32) -> ()
  }) {kind = "conv", strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, pad_value = 0.0, roles = []} : (tensor<1x6x5x1xf32>, tensor<1x3x3x1xf32>) -> tensor<1x4x3x1xf32>
  "kern.return"(%1) : (tensor<1x4x3x1xf32>) -> ()
}) {sym_name = "main"} : () -> ()

// -----
// Somebody else reads the padded tensor, or channels grow: nothing is gained.
// CHECK: "kern.pad"
"kern.func"() ({
^bb0(%x: tensor<1x4x4x1xf32>, %w: tensor<1x3x3x1xf32>):
  %0 = "kern.pad"(%x) {low = array<i64: 0, 1, 1, 0>, high = array<i64: 0, 1, 1, 0>, value = 0.0} : (tensor<1x4x4x1xf32>) -> tensor<1x6x6x1xf32>
  %1 = "kern.contract"(%0, %w) ({
  ^bb0(%a: f32):
    "kern.yield"(%a) : (f32) -> ()
  }) {kind = "conv", strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, pad_value = 0.0, roles = []} : (tensor<1x6x6x1xf32>, tensor<1x3x3x1xf32>) -> tensor<1x4x4x1xf32>
  "kern.return"(%0, %1) : (tensor<1x6x6x1xf32>, tensor<1x4x4x1xf32>) -> ()
}) {sym_name = "main"} : () -> ()
