// RUN: eliminate

// Moves of nothing go, one after another.
// CHECK: ^bb0(%x: tensor<1x4xf32>):
// CHECK-NEXT: "kern.return"(%x)
"kern.func"() ({
^bb0(%x: tensor<1x4xf32>):
  %0 = "kern.pad"(%x) {low = array<i64: 0, 0>, high = array<i64: 0, 0>, value = 0.0} : (tensor<1x4xf32>) -> tensor<1x4xf32>
  %1 = "kern.transpose"(%0) {permutation = array<i64: 0, 1>} : (tensor<1x4xf32>) -> tensor<1x4xf32>
  %2 = "kern.slice"(%1) {begin = array<i64: 0, 0>, strides = array<i64: 1, 1>} : (tensor<1x4xf32>) -> tensor<1x4xf32>
  %3 = "kern.map"(%2) ({
  ^bb0(%e: f32):
    "kern.yield"(%e) : (f32) -> ()
  }) {roles = ["pixel"]} : (tensor<1x4xf32>) -> tensor<1x4xf32>
  "kern.return"(%3) : (tensor<1x4xf32>) -> ()
}) {sym_name = "moves"} : () -> ()

// -----
// What moves or changes something stays.
// CHECK: "kern.transpose"(%x) {permutation = array<i64: 1, 0>}
// CHECK: "kern.slice"
// CHECK: "kern.pad"
"kern.func"() ({
^bb0(%x: tensor<2x2xf32>):
  %0 = "kern.transpose"(%x) {permutation = array<i64: 1, 0>} : (tensor<2x2xf32>) -> tensor<2x2xf32>
  %1 = "kern.slice"(%0) {begin = array<i64: 1, 0>, strides = array<i64: 1, 1>} : (tensor<2x2xf32>) -> tensor<1x2xf32>
  %2 = "kern.pad"(%1) {low = array<i64: 0, 0>, high = array<i64: 1, 0>, value = 0.0} : (tensor<1x2xf32>) -> tensor<2x2xf32>
  "kern.return"(%2) : (tensor<2x2xf32>) -> ()
}) {sym_name = "main"} : () -> ()

// -----
// Equal constants become one, a reshaped one becomes a constant, unread ones go.
// CHECK: %[[A:.*]] = "kern.const"() {value = dense<[1.0, 2.0]> : tensor<2xf32>}
// CHECK-NOT: dense<[3.0, 4.0]>
// CHECK: %[[R:.*]] = "kern.const"() {value = dense_resource<w_4x1> : tensor<4x1xf32>}
// CHECK-NOT: kern.reshape
// CHECK: "kern.return"(%[[A]], %[[A]], %[[R]])
"kern.func"() ({
  %a = "kern.const"() {value = dense<[1.0, 2.0]> : tensor<2xf32>} : () -> tensor<2xf32>
  %b = "kern.const"() {value = dense<[1.0, 2.0]> : tensor<2xf32>} : () -> tensor<2xf32>
  %c = "kern.const"() {value = dense<[3.0, 4.0]> : tensor<2xf32>} : () -> tensor<2xf32>
  %w = "kern.const"() {value = dense_resource<w> : tensor<2x2xf32>} : () -> tensor<2x2xf32>
  %r = "kern.reshape"(%w) : (tensor<2x2xf32>) -> tensor<4x1xf32>
  "kern.return"(%a, %b, %r) : (tensor<2xf32>, tensor<2xf32>, tensor<4x1xf32>) -> ()
}) {sym_name = "main"} : () -> ()
