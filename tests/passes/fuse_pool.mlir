// RUN: fuse_pool

// Overlapping windows would compute rows twice.
// CHECK-NOT: group = 0
"kern.func"() ({
^bb0(%x: tensor<1x4x4x1xf32>, %w: tensor<1x1x1x1xf32>):
  %0 = "kern.contract"(%x, %w) ({
  ^bb0(%a: f32):
    "kern.yield"(%a) : (f32) -> ()
  }) {kind = "conv", strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, roles = []} : (tensor<1x4x4x1xf32>, tensor<1x1x1x1xf32>) -> tensor<1x4x4x1xf32>
  %1 = "kern.window"(%0) ({
  ^bb0(%a: f32, %n: i32):
    "kern.yield"(%a) : (f32) -> ()
  }) {kind = "max", window = array<i64: 2, 2>, strides = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, roles = []} : (tensor<1x4x4x1xf32>) -> tensor<1x3x3x1xf32>
  "kern.return"(%1) : (tensor<1x3x3x1xf32>) -> ()
}) {sym_name = "main"} : () -> ()

// -----
// Two pools are two groups.
// CHECK: "kern.contract"
// CHECK: group = 0 : i64
// CHECK: "kern.window"
// CHECK: group = 0 : i64
// CHECK: "kern.contract"
// CHECK: group = 1 : i64
// CHECK: "kern.window"
// CHECK: group = 1 : i64
"kern.func"() ({
^bb0(%x: tensor<1x8x8x1xf32>, %w: tensor<1x1x1x1xf32>):
  %0 = "kern.contract"(%x, %w) ({
  ^bb0(%a: f32):
    "kern.yield"(%a) : (f32) -> ()
  }) {kind = "conv", strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, roles = []} : (tensor<1x8x8x1xf32>, tensor<1x1x1x1xf32>) -> tensor<1x8x8x1xf32>
  %1 = "kern.window"(%0) ({
  ^bb0(%a: f32, %n: i32):
    "kern.yield"(%a) : (f32) -> ()
  }) {kind = "max", window = array<i64: 2, 2>, strides = array<i64: 2, 2>, pad = array<i64: 0, 0, 0, 0>, roles = []} : (tensor<1x8x8x1xf32>) -> tensor<1x4x4x1xf32>
  %2 = "kern.contract"(%1, %w) ({
  ^bb0(%a: f32):
    "kern.yield"(%a) : (f32) -> ()
  }) {kind = "conv", strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, roles = []} : (tensor<1x4x4x1xf32>, tensor<1x1x1x1xf32>) -> tensor<1x4x4x1xf32>
  %3 = "kern.window"(%2) ({
  ^bb0(%a: f32, %n: i32):
    "kern.yield"(%a) : (f32) -> ()
  }) {kind = "max", window = array<i64: 2, 2>, strides = array<i64: 2, 2>, pad = array<i64: 0, 0, 0, 0>, roles = []} : (tensor<1x4x4x1xf32>) -> tensor<1x2x2x1xf32>
  "kern.return"(%3) : (tensor<1x2x2x1xf32>) -> ()
}) {sym_name = "main"} : () -> ()
