// RUN: fuse_epilogue

// Somebody else reads the sum: it has to exist, and nothing fuses.
// CHECK: %[[S:.*]] = "kern.contract"
// CHECK: %[[N:.*]] = "kern.map"(%[[S]])
// CHECK: "kern.return"(%[[S]], %[[N]])
"kern.func"() ({
^bb0(%x: tensor<1x2xf32>, %w: tensor<3x2xf32>):
  %0 = "kern.contract"(%x, %w) ({
  ^bb0(%a: f32):
    "kern.yield"(%a) : (f32) -> ()
  }) {kind = "dense", roles = []} : (tensor<1x2xf32>, tensor<3x2xf32>) -> tensor<1x3xf32>
  %1 = "kern.map"(%0) ({
  ^bb0(%a: f32):
    %2 = "arith.negf"(%a) : (f32) -> f32
    "kern.yield"(%2) : (f32) -> ()
  }) {roles = ["pixel"]} : (tensor<1x3xf32>) -> tensor<1x3xf32>
  "kern.return"(%0, %1) : (tensor<1x3xf32>, tensor<1x3xf32>) -> ()
}) {sym_name = "main"} : () -> ()

// -----
// The fused op comes from both nodes; a value read twice becomes one extra.
// CHECK: %[[R:.*]] = "kern.window"(%x, %b) ({
// CHECK-NEXT: ^bb0(%[[A:.*]]: f32, %[[C:.*]]: i32, %[[B:.*]]: f32):
// CHECK: "arith.mulf"
// CHECK: "arith.addf"
// CHECK: roles = ["channel"]
// CHECK-SAME: loc(fused["MAX_POOL_2D"("subgraph0":0:0), "MUL"("subgraph0":1:0), "ADD"("subgraph0":2:0)])
// CHECK: "kern.return"(%[[R]])
"kern.func"() ({
^bb0(%x: tensor<1x2x2x3xf32>, %b: tensor<3xf32>):
  %0 = "kern.window"(%x) ({
  ^bb0(%a: f32, %n: i32):
    "kern.yield"(%a) : (f32) -> ()
  }) {kind = "max", window = array<i64: 2, 2>, strides = array<i64: 2, 2>, pad = array<i64: 0, 0, 0, 0>, roles = []} : (tensor<1x2x2x3xf32>) -> tensor<1x1x1x3xf32> loc("MAX_POOL_2D"("subgraph0":0:0))
  %1 = "kern.map"(%0, %b) ({
  ^bb0(%a: f32, %c: f32):
    %2 = "arith.mulf"(%a, %c) : (f32, f32) -> f32
    "kern.yield"(%2) : (f32) -> ()
  }) {roles = ["pixel", "channel"]} : (tensor<1x1x1x3xf32>, tensor<3xf32>) -> tensor<1x1x1x3xf32> loc("MUL"("subgraph0":1:0))
  %3 = "kern.map"(%1, %b) ({
  ^bb0(%a: f32, %c: f32):
    %4 = "arith.addf"(%a, %c) : (f32, f32) -> f32
    "kern.yield"(%4) : (f32) -> ()
  }) {roles = ["pixel", "channel"]} : (tensor<1x1x1x3xf32>, tensor<3xf32>) -> tensor<1x1x1x3xf32> loc("ADD"("subgraph0":2:0))
  "kern.return"(%3) : (tensor<1x1x1x3xf32>) -> ()
}) {sym_name = "main"} : () -> ()

// -----
// A map that is larger than its operand stays behind a contraction.
// CHECK: "kern.contract"
// CHECK: "kern.map"
"kern.func"() ({
^bb0(%x: tensor<1x2xf32>, %w: tensor<3x2xf32>, %y: tensor<4x3xf32>):
  %0 = "kern.contract"(%x, %w) ({
  ^bb0(%a: f32):
    "kern.yield"(%a) : (f32) -> ()
  }) {kind = "dense", roles = []} : (tensor<1x2xf32>, tensor<3x2xf32>) -> tensor<1x3xf32>
  %1 = "kern.map"(%y, %0) ({
  ^bb0(%a: f32, %c: f32):
    %2 = "arith.addf"(%a, %c) : (f32, f32) -> f32
    "kern.yield"(%2) : (f32) -> ()
  }) {roles = ["pixel", "broadcast"]} : (tensor<4x3xf32>, tensor<1x3xf32>) -> tensor<4x3xf32>
  "kern.return"(%1) : (tensor<4x3xf32>) -> ()
}) {sym_name = "main"} : () -> ()
