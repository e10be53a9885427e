// RUN: fold_constants
// CHECK: value = dense<2.0> : tensor<f32>
// CHECK-NOT: "tfl.dequantize"
// A float16 scalar: no dimension becomes none.
"kern.func"() ({
  %0 = "tfl.pseudo_const"() {value = dense<2.0> : tensor<f16>} : () -> tensor<f16>
  %1 = "tfl.dequantize"(%0) : (tensor<f16>) -> tensor<f32>
  "kern.return"(%1) : (tensor<f32>) -> ()
}) {sym_name = "main"} : () -> ()

// -----
// CHECK: dense<[-1.5, 0.5]> : tensor<2xf32>
// CHECK-NOT: "tfl.dequantize"
// Quantised weights: scale 0.5, zero point 4.
"kern.func"() ({
  %0 = "tfl.pseudo_const"() {value = dense<[1, 5]> : tensor<2xsi8>} : () -> tensor<2x!quant.uniform<i8:f32, 0.5:4>>
  %1 = "tfl.dequantize"(%0) : (tensor<2x!quant.uniform<i8:f32, 0.5:4>>) -> tensor<2xf32>
  "kern.return"(%1) : (tensor<2xf32>) -> ()
}) {sym_name = "main"} : () -> ()

// -----
// CHECK: "tfl.add"(%x,
// An op that needs an input stays.
"kern.func"() ({
^bb0(%x: tensor<2xf32>):
  %0 = "tfl.pseudo_const"() {value = dense<[1.0, 2.0]> : tensor<2xf32>} : () -> tensor<2xf32>
  %1 = "tfl.add"(%x, %0) {fused_activation_function = "NONE"} : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  "kern.return"(%1) : (tensor<2xf32>) -> ()
}) {sym_name = "main"} : () -> ()

// -----
// CHECK: dense<[4.0, 0.0]> : tensor<2xf32>
// CHECK-NOT: "tfl.add"
// A chain goes in one walk, activation included.
"kern.func"() ({
  %0 = "tfl.pseudo_const"() {value = dense<[1.0, -2.0]> : tensor<2xf32>} : () -> tensor<2xf32>
  %1 = "tfl.add"(%0, %0) {fused_activation_function = "NONE"} : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %2 = "tfl.add"(%1, %1) {fused_activation_function = "RELU"} : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  "kern.return"(%2) : (tensor<2xf32>) -> ()
}) {sym_name = "main"} : () -> ()
