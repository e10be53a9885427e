// RUN: eliminate
// CHECK-NOT: "kern.pad"
// CHECK-NOT: "kern.transpose"
// CHECK-NOT: "kern.slice"
// CHECK-NOT: "kern.map"
// CHECK: "kern.return"(%x)
// Moves that move nothing.
"kern.func"() ({
^bb0(%x: tensor<2x3xf32>):
  %0 = "kern.pad"(%x) {low = array<i64: 0, 0>, high = array<i64: 0, 0>, value = 0.0 : f64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %1 = "kern.transpose"(%0) {permutation = array<i64: 0, 1>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %2 = "kern.slice"(%1) {begin = array<i64: 0, 0>, strides = array<i64: 1, 1>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %3 = "kern.map"(%2) ({
  ^bb0(%p: f32):
    "kern.yield"(%p) : (f32) -> ()
  }) {roles = ["pixel"]} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  "kern.return"(%3) : (tensor<2x3xf32>) -> ()
}) {sym_name = "main"} : () -> ()

// -----
// CHECK: "kern.transpose"
// A square matrix keeps its type when it is transposed, not its elements.
"kern.func"() ({
^bb0(%x: tensor<3x3xf32>):
  %1 = "kern.transpose"(%x) {permutation = array<i64: 1, 0>} : (tensor<3x3xf32>) -> tensor<3x3xf32>
  "kern.return"(%1) : (tensor<3x3xf32>) -> ()
}) {sym_name = "main"} : () -> ()

// -----
// CHECK: %[[C:.*]] = "kern.const"
// CHECK-NOT: "kern.const"
// CHECK: "kern.map"(%[[C]], %[[C]])
// CHECK-NOT: "kern.reshape"
// Equal constants are one, even where a reshape stood between; what nobody reads goes.
"kern.func"() ({
  %0 = "kern.const"() {value = dense<[1.0, 2.0]> : tensor<2xf32>} : () -> tensor<2xf32>
  %1 = "kern.const"() {value = dense<[[1.0, 2.0]]> : tensor<1x2xf32>} : () -> tensor<1x2xf32>
  %2 = "kern.reshape"(%1) : (tensor<1x2xf32>) -> tensor<2xf32>
  %3 = "kern.map"(%0, %2) ({
  ^bb0(%p: f32, %q: f32):
    %4 = "arith.addf"(%p, %q) : (f32, f32) -> f32
    "kern.yield"(%4) : (f32) -> ()
  }) {roles = ["pixel", "pixel"]} : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %5 = "kern.reshape"(%3) : (tensor<2xf32>) -> tensor<1x2xf32>
  "kern.return"(%3) : (tensor<2xf32>) -> ()
}) {sym_name = "main"} : () -> ()
