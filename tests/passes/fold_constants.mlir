// RUN: fold_constants

// A chain goes in one walk, and locations stay.
// CHECK-NOT: tfl.dequantize
// CHECK-NOT: tfl.relu
// CHECK: %[[R:.*]] = "tfl.pseudo_const"() {value = dense<[0.0, 1.5]> : tensor<2xf32>}
// CHECK: "kern.return"(%[[R]])
"kern.func"() ({
  %0 = "tfl.pseudo_const"() {value = dense<[-3, 3]> : tensor<2xsi8>} : () -> tensor<2x!quant.uniform<i8:f32, 0.5:0>>
  %1 = "tfl.dequantize"(%0) : (tensor<2x!quant.uniform<i8:f32, 0.5:0>>) -> tensor<2xf32>
  %2 = "tfl.relu"(%1) : (tensor<2xf32>) -> tensor<2xf32>
  "kern.return"(%2) : (tensor<2xf32>) -> ()
}) {sym_name = "main"} : () -> ()

// -----
// What reads an input stays, and so does what would make a small constant large.
// CHECK: "tfl.relu"(%x)
// CHECK: "tfl.resize_nearest_neighbor"
"kern.func"() ({
^bb0(%x: tensor<2xf32>):
  %0 = "tfl.relu"(%x) : (tensor<2xf32>) -> tensor<2xf32>
  %1 = "tfl.pseudo_const"() {value = dense<1.0> : tensor<1x1x1x1xf32>} : () -> tensor<1x1x1x1xf32>
  %2 = "tfl.pseudo_const"() {value = dense<[500, 500]> : tensor<2xsi32>} : () -> tensor<2xsi32>
  %3 = "tfl.resize_nearest_neighbor"(%1, %2) {align_corners = false, half_pixel_centers = false} : (tensor<1x1x1x1xf32>, tensor<2xsi32>) -> tensor<1x500x500x1xf32>
  "kern.return"(%0, %3) : (tensor<2xf32>, tensor<1x500x500x1xf32>) -> ()
}) {sym_name = "main"} : () -> ()
