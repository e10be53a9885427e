// RUN: tfl_to_kern

// SAME padding with stride 2 puts the odd cell after; bias, rescale and clamp are ops of their own.
// CHECK: %[[W:.*]] = "kern.const"() {value = dense_resource<w> : tensor<2x3x3x1xsi8>}
// CHECK: %[[A:.*]] = "kern.contract"(%x, %[[W]])
// CHECK: kind = "conv"
// CHECK-SAME: strides = array<i64: 2, 2>
// CHECK-SAME: pad = array<i64: 0, 1, 0, 1>
// CHECK-SAME: x_zero_point = -3 : i64, pad_value = -3 : i64
// CHECK: "kern.rescale"(%[[A]]) {multipliers = array<f64: 0.25, 0.5>, zero_point = 1 : i64}
// CHECK: "arith.maxsi"
// CHECK-NOT: tfl.
"kern.func"() ({
^bb0(%x: tensor<1x4x4x1x!quant.uniform<i8:f32, 0.5:-3>>):
  %w = "tfl.pseudo_const"() {value = dense_resource<w> : tensor<2x3x3x1xsi8>} : () -> tensor<2x3x3x1x!quant.uniform<i8:f32:0, {0.5:0, 1.0:0}>>
  %b = "tfl.no_value"() : () -> none
  %y = "tfl.conv_2d"(%x, %w, %b) {padding = "SAME", stride_h = 2, stride_w = 2, dilation_h_factor = 1, dilation_w_factor = 1, fused_activation_function = "RELU"} : (tensor<1x4x4x1x!quant.uniform<i8:f32, 0.5:-3>>, tensor<2x3x3x1x!quant.uniform<i8:f32:0, {0.5:0, 1.0:0}>>, none) -> tensor<1x2x2x2x!quant.uniform<i8:f32, 1.0:1>>
  "kern.return"(%y) : (tensor<1x2x2x2x!quant.uniform<i8:f32, 1.0:1>>) -> ()
}) {sym_name = "main"} : () -> ()

// -----
// EXPECT-ERROR: fused activation must be one of NONE, RELU, RELU6, RELU_N1_TO_1, here TANH
// EXPECT-ERROR: reproducer: 
"kern.func"() ({
^bb0(%x: tensor<4xf32>):
  %y = "tfl.add"(%x, %x) {fused_activation_function = "TANH"} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  "kern.return"(%y) : (tensor<4xf32>) -> ()
}) {sym_name = "main"} : () -> ()
