// RUN: fuse_pool
// CHECK-NOT: group
// Windows of 3 by steps of 2 overlap.
"kern.func"() ({
^bb0(%x: tensor<1x7x7x1xf32>, %w: tensor<1x1x1x1xf32>):
  %0 = "kern.contract"(%x, %w) ({
  ^bb0(%a: f32):
    "kern.yield"(%a) : (f32) -> ()
  }) {kind = "conv", strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, roles = []} : (tensor<1x7x7x1xf32>, tensor<1x1x1x1xf32>) -> tensor<1x7x7x1xf32>
  %1 = "kern.window"(%0) ({
  ^bb0(%a: f32, %n: i32):
    "kern.yield"(%a) : (f32) -> ()
  }) {kind = "max", window = array<i64: 3, 3>, strides = array<i64: 2, 2>, pad = array<i64: 0, 0, 0, 0>, roles = []} : (tensor<1x7x7x1xf32>) -> tensor<1x3x3x1xf32>
  "kern.return"(%1) : (tensor<1x3x3x1xf32>) -> ()
}) {sym_name = "main"} : () -> ()

// -----
// CHECK-NOT: group
// The contraction's result is read elsewhere too.
"kern.func"() ({
^bb0(%x: tensor<1x4x4x1xf32>, %w: tensor<1x1x1x1xf32>):
  %0 = "kern.contract"(%x, %w) ({
  ^bb0(%a: f32):
    "kern.yield"(%a) : (f32) -> ()
  }) {kind = "conv", strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, roles = []} : (tensor<1x4x4x1xf32>, tensor<1x1x1x1xf32>) -> tensor<1x4x4x1xf32>
  %1 = "kern.window"(%0) ({
  ^bb0(%a: f32, %n: i32):
    "kern.yield"(%a) : (f32) -> ()
  }) {kind = "max", window = array<i64: 2, 2>, strides = array<i64: 2, 2>, pad = array<i64: 0, 0, 0, 0>, roles = []} : (tensor<1x4x4x1xf32>) -> tensor<1x2x2x1xf32>
  "kern.return"(%0, %1) : (tensor<1x4x4x1xf32>, tensor<1x2x2x1xf32>) -> ()
}) {sym_name = "main"} : () -> ()
