// RUN: simplify_regions
// CHECK: ^bb0(%[[A:.*]]: i32, %{{.*}}: i32):
// CHECK-NEXT: "kern.yield"(%[[A]])
// The maximum of int8 numbers needs no clamp to int8.
"kern.func"() ({
^bb0(%x: tensor<1x2x2x1x!quant.uniform<i8:f32, 0.5:0>>):
  %0 = "kern.window"(%x) ({
  ^bb0(%a: i32, %n: i32):
    %l = "arith.constant"() {value = -128 : i64} : () -> i32
    %1 = "arith.maxsi"(%a, %l) : (i32, i32) -> i32
    %h = "arith.constant"() {value = 127 : i64} : () -> i32
    %2 = "arith.minsi"(%h, %1) : (i32, i32) -> i32
    "kern.yield"(%2) : (i32) -> ()
  }) {kind = "max", window = array<i64: 2, 2>, strides = array<i64: 2, 2>, pad = array<i64: 0, 0, 0, 0>, roles = []} : (tensor<1x2x2x1x!quant.uniform<i8:f32, 0.5:0>>) -> tensor<1x1x1x1x!quant.uniform<i8:f32, 0.5:0>>
  "kern.return"(%0) : (tensor<1x1x1x1x!quant.uniform<i8:f32, 0.5:0>>) -> ()
}) {sym_name = "main"} : () -> ()

// -----
// CHECK: "arith.mbqm"
// What was shifted out of 32 bits is lost: a shorter shift would keep it.
"kern.func"() ({
^bb0(%x: tensor<2xsi32>):
  %0 = "kern.map"(%x) ({
  ^bb0(%a: i32):
    %n = "arith.constant"() {value = 20 : i64} : () -> i32
    %1 = "arith.shli"(%a, %n) : (i32, i32) -> i32
    %m = "arith.constant"() {value = 1073741824 : i64} : () -> i32
    %s = "arith.constant"() {value = 0 : i64} : () -> i32
    %2 = "arith.mbqm"(%1, %m, %s) : (i32, i32, i32) -> i32
    "kern.yield"(%2) : (i32) -> ()
  }) {roles = ["pixel"]} : (tensor<2xsi32>) -> tensor<2xsi32>
  "kern.return"(%0) : (tensor<2xsi32>) -> ()
}) {sym_name = "main"} : () -> ()

// -----
// CHECK: %[[Z:.*]] = "arith.constant"() {value = 0.0 : f32}
// CHECK: %[[N:.*]] = "arith.constant"() {value = -0.0 : f32}
// CHECK-NOT: "arith.constant"
// CHECK: "arith.addf"(%{{.*}}, %[[Z]])
// CHECK: "arith.addf"(%{{.*}}, %[[Z]])
// CHECK: "arith.addf"(%{{.*}}, %[[N]])
// Equal constants are one; zeros of different sign are not equal.
"kern.func"() ({
^bb0(%x: tensor<2xf32>):
  %0 = "kern.map"(%x) ({
  ^bb0(%a: f32):
    %c = "arith.constant"() {value = 0.0 : f32} : () -> f32
    %d = "arith.constant"() {value = 0.0 : f32} : () -> f32
    %e = "arith.constant"() {value = -0.0 : f32} : () -> f32
    %1 = "arith.addf"(%a, %c) : (f32, f32) -> f32
    %2 = "arith.addf"(%1, %d) : (f32, f32) -> f32
    %3 = "arith.addf"(%2, %e) : (f32, f32) -> f32
    "kern.yield"(%3) : (f32) -> ()
  }) {roles = ["pixel"]} : (tensor<2xf32>) -> tensor<2xf32>
  "kern.return"(%0) : (tensor<2xf32>) -> ()
}) {sym_name = "main"} : () -> ()
