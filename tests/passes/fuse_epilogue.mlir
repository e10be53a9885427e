// RUN: fuse_epilogue
// CHECK: "kern.contract"(%x, %v)
// CHECK-NOT: "kern.map"
// CHECK: "kern.contract"(%x, %w, %{{.*}})
// CHECK: ^bb0(%[[B:.*]]: f32, %[[A:.*]]: f32):
// CHECK-NEXT: "arith.subf"(%[[A]], %[[B]])
// CHECK: roles = ["pixel"]
// The later of two contractions takes a difference of both; operands keep their order.
"kern.func"() ({
^bb0(%x: tensor<1x2xf32>, %v: tensor<3x2xf32>, %w: tensor<3x2xf32>):
  %a = "kern.contract"(%x, %v) ({
  ^bb0(%s: f32):
    "kern.yield"(%s) : (f32) -> ()
  }) {kind = "dense", roles = []} : (tensor<1x2xf32>, tensor<3x2xf32>) -> tensor<1x3xf32>
  %b = "kern.contract"(%x, %w) ({
  ^bb0(%s: f32):
    "kern.yield"(%s) : (f32) -> ()
  }) {kind = "dense", roles = []} : (tensor<1x2xf32>, tensor<3x2xf32>) -> tensor<1x3xf32>
  %c = "kern.map"(%a, %b) ({
  ^bb0(%p: f32, %q: f32):
    %d = "arith.subf"(%p, %q) : (f32, f32) -> f32
    "kern.yield"(%d) : (f32) -> ()
  }) {roles = ["pixel", "pixel"]} : (tensor<1x3xf32>, tensor<1x3xf32>) -> tensor<1x3xf32>
  "kern.return"(%c) : (tensor<1x3xf32>) -> ()
}) {sym_name = "main"} : () -> ()

// -----
// CHECK: "kern.contract"
// CHECK: "kern.map"
// A result that others read as well has to exist: nothing is fused into its producer.
"kern.func"() ({
^bb0(%x: tensor<1x2xf32>, %w: tensor<3x2xf32>):
  %a = "kern.contract"(%x, %w) ({
  ^bb0(%s: f32):
    "kern.yield"(%s) : (f32) -> ()
  }) {kind = "dense", roles = []} : (tensor<1x2xf32>, tensor<3x2xf32>) -> tensor<1x3xf32>
  %c = "kern.map"(%a) ({
  ^bb0(%p: f32):
    %d = "arith.negf"(%p) : (f32) -> f32
    "kern.yield"(%d) : (f32) -> ()
  }) {roles = ["pixel"]} : (tensor<1x3xf32>) -> tensor<1x3xf32>
  "kern.return"(%a, %c) : (tensor<1x3xf32>, tensor<1x3xf32>) -> ()
}) {sym_name = "main"} : () -> ()

// -----
// CHECK: "kern.contract"(%x, %w)
// CHECK: ^bb0(%[[S:.*]]: f32):
// CHECK-NEXT: "arith.mulf"(%[[S]], %[[S]])
// CHECK-NOT: "kern.map"
// Both operands of one map may be the same sum.
"kern.func"() ({
^bb0(%x: tensor<1x2xf32>, %w: tensor<3x2xf32>):
  %a = "kern.contract"(%x, %w) ({
  ^bb0(%s: f32):
    "kern.yield"(%s) : (f32) -> ()
  }) {kind = "dense", roles = []} : (tensor<1x2xf32>, tensor<3x2xf32>) -> tensor<1x3xf32>
  %c = "kern.map"(%a, %a) ({
  ^bb0(%p: f32, %q: f32):
    %d = "arith.mulf"(%p, %q) : (f32, f32) -> f32
    "kern.yield"(%d) : (f32) -> ()
  }) {roles = ["pixel", "pixel"]} : (tensor<1x3xf32>, tensor<1x3xf32>) -> tensor<1x3xf32>
  "kern.return"(%c) : (tensor<1x3xf32>) -> ()
}) {sym_name = "main"} : () -> ()

// -----
// CHECK: "kern.window"(%x)
// CHECK: ^bb0(%[[ACC:.*]]: f32, %[[N:.*]]: i32):
// CHECK: %[[ZERO:.*]] = "arith.constant"
// CHECK: "arith.maxf"(%[[ZERO]], %[[ACC]])
// CHECK-NOT: "kern.map"
// A window takes the activation behind it; the arguments it had stay first.
"kern.func"() ({
^bb0(%x: tensor<1x2x2x1xf32>):
  %a = "kern.window"(%x) ({
  ^bb0(%s: f32, %n: i32):
    "kern.yield"(%s) : (f32) -> ()
  }) {kind = "max", window = array<i64: 2, 2>, strides = array<i64: 2, 2>, pad = array<i64: 0, 0, 0, 0>, roles = []} : (tensor<1x2x2x1xf32>) -> tensor<1x1x1x1xf32>
  %c = "kern.map"(%a) ({
  ^bb0(%p: f32):
    %z = "arith.constant"() {value = 0.0 : f32} : () -> f32
    %d = "arith.maxf"(%z, %p) : (f32, f32) -> f32
    "kern.yield"(%d) : (f32) -> ()
  }) {roles = ["pixel"]} : (tensor<1x1x1x1xf32>) -> tensor<1x1x1x1xf32>
  "kern.return"(%c) : (tensor<1x1x1x1xf32>) -> ()
}) {sym_name = "main"} : () -> ()

// -----
// CHECK: "kern.contract"(%x, %w)
// CHECK: "kern.map"(%{{.*}}, %r)
// CHECK: roles = ["pixel", "broadcast"]
// A contraction cannot read an extra of another shape than its result's.
"kern.func"() ({
^bb0(%x: tensor<4x2xf32>, %w: tensor<3x2xf32>, %r: tensor<4x1xf32>):
  %a = "kern.contract"(%x, %w) ({
  ^bb0(%s: f32):
    "kern.yield"(%s) : (f32) -> ()
  }) {kind = "dense", roles = []} : (tensor<4x2xf32>, tensor<3x2xf32>) -> tensor<4x3xf32>
  %c = "kern.map"(%a, %r) ({
  ^bb0(%p: f32, %q: f32):
    %d = "arith.addf"(%p, %q) : (f32, f32) -> f32
    "kern.yield"(%d) : (f32) -> ()
  }) {roles = ["pixel", "broadcast"]} : (tensor<4x3xf32>, tensor<4x1xf32>) -> tensor<4x3xf32>
  "kern.return"(%c) : (tensor<4x3xf32>) -> ()
}) {sym_name = "main"} : () -> ()

// -----
// CHECK: "kern.map"(%x, %r)
// CHECK: ^bb0(%[[P:.*]]: f32, %[[Q:.*]]: f32):
// CHECK-NEXT: %[[D:.*]] = "arith.addf"(%[[P]], %[[Q]])
// CHECK-NEXT: %[[E:.*]] = "arith.negf"(%[[D]])
// CHECK-NEXT: "arith.mulf"(%[[E]], %[[Q]])
// CHECK-NOT: "kern.map"
// A map takes a map whatever its extras are, and reads an extra of both but once.
"kern.func"() ({
^bb0(%x: tensor<4x3xf32>, %r: tensor<4x1xf32>):
  %a = "kern.map"(%x, %r) ({
  ^bb0(%p: f32, %q: f32):
    %d = "arith.addf"(%p, %q) : (f32, f32) -> f32
    "kern.yield"(%d) : (f32) -> ()
  }) {roles = ["pixel", "broadcast"]} : (tensor<4x3xf32>, tensor<4x1xf32>) -> tensor<4x3xf32>
  %b = "kern.map"(%a) ({
  ^bb0(%p: f32):
    %d = "arith.negf"(%p) : (f32) -> f32
    "kern.yield"(%d) : (f32) -> ()
  }) {roles = ["pixel"]} : (tensor<4x3xf32>) -> tensor<4x3xf32>
  %c = "kern.map"(%b, %r) ({
  ^bb0(%p: f32, %q: f32):
    %d = "arith.mulf"(%p, %q) : (f32, f32) -> f32
    "kern.yield"(%d) : (f32) -> ()
  }) {roles = ["pixel", "broadcast"]} : (tensor<4x3xf32>, tensor<4x1xf32>) -> tensor<4x3xf32>
  "kern.return"(%c) : (tensor<4x3xf32>) -> ()
}) {sym_name = "main"} : () -> ()
