// RUN: tfl_to_kern
// CHECK: %[[ACC:.*]] = "kern.contract"(%x, %{{.*}})
// CHECK: pad = array<i64: 0, 1, 0, 1>, groups = 1 : i64, x_zero_point = -4 : i64, pad_value = -4 : i64
// CHECK: %[[SUM:.*]] = "kern.map"(%[[ACC]], %{{.*}})
// CHECK: "arith.addi"
// CHECK: %[[SCALED:.*]] = "kern.rescale"(%[[SUM]]) {multipliers = array<f64: 0.125, 0.25>, zero_point = 1 : i64}
// CHECK: "kern.map"(%[[SCALED]])
// CHECK: "arith.maxsi"
// CHECK: "arith.minsi"
// An int8 convolution: sums, bias, scale and activation one after another. SAME pads the odd cell after.
"kern.func"() ({
^bb0(%x: tensor<1x4x4x1x!quant.uniform<i8:f32, 0.5:-4>>):
  %w = "tfl.pseudo_const"() {value = dense<1> : tensor<2x2x2x1xsi8>} : () -> tensor<2x2x2x1x!quant.uniform<i8:f32:0, {0.25:0, 0.5:0}>>
  %b = "tfl.pseudo_const"() {value = dense<[7, 8]> : tensor<2xsi32>} : () -> tensor<2x!quant.uniform<i32:f32:0, {0.125:0, 0.25:0}>>
  %0 = "tfl.conv_2d"(%x, %w, %b) {padding = "SAME", stride_h = 1 : i64, stride_w = 1 : i64, dilation_h_factor = 1 : i64, dilation_w_factor = 1 : i64, fused_activation_function = "RELU"} : (tensor<1x4x4x1x!quant.uniform<i8:f32, 0.5:-4>>, tensor<2x2x2x1x!quant.uniform<i8:f32:0, {0.25:0, 0.5:0}>>, tensor<2x!quant.uniform<i32:f32:0, {0.125:0, 0.25:0}>>) -> tensor<1x4x4x2x!quant.uniform<i8:f32, 1.0:1>>
  "kern.return"(%0) : (tensor<1x4x4x2x!quant.uniform<i8:f32, 1.0:1>>) -> ()
}) {sym_name = "main"} : () -> ()

// -----
// CHECK: "kern.reshape"(%x) : (tensor<1x2x2x1xf32>) -> tensor<1x4xf32>
// CHECK: "kern.contract"
// CHECK-SAME: (%
// FULLY_CONNECTED sees an image as rows.
"kern.func"() ({
^bb0(%x: tensor<1x2x2x1xf32>):
  %w = "tfl.pseudo_const"() {value = dense<1.0> : tensor<3x4xf32>} : () -> tensor<3x4xf32>
  %b = "tfl.no_value"() : () -> none
  %0 = "tfl.fully_connected"(%x, %w, %b) {fused_activation_function = "NONE", keep_num_dims = false, weights_format = "DEFAULT"} : (tensor<1x2x2x1xf32>, tensor<3x4xf32>, none) -> tensor<1x3xf32>
  "kern.return"(%0) : (tensor<1x3xf32>) -> ()
}) {sym_name = "main"} : () -> ()

// -----
// EXPECT-ERROR: tfl.add: fused activation must be one of NONE, RELU, RELU6, RELU_N1_TO_1, here TANH
"kern.func"() ({
^bb0(%x: tensor<2xf32>):
  %0 = "tfl.add"(%x, %x) {fused_activation_function = "TANH"} : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  "kern.return"(%0) : (tensor<2xf32>) -> ()
}) {sym_name = "main"} : () -> ()

// -----
// EXPECT-ERROR: tensors must be float32 or per-tensor quantised int8
"kern.func"() ({
^bb0(%x: tensor<2xf16>):
  %0 = "tfl.add"(%x, %x) {fused_activation_function = "NONE"} : (tensor<2xf16>, tensor<2xf16>) -> tensor<2xf16>
  "kern.return"(%0) : (tensor<2xf16>) -> ()
}) {sym_name = "main"} : () -> ()
