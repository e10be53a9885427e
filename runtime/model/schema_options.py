"""Option tables of the builtin operators as data, in the notation of `schema.py`.

A table that is in one of the unions but not in `OPTION_TABLES` has no fields.
"""

from __future__ import annotations

_FIRST_UNION = """
    NONE Conv2DOptions DepthwiseConv2DOptions ConcatEmbeddingsOptions LSHProjectionOptions
    Pool2DOptions SVDFOptions RNNOptions FullyConnectedOptions SoftmaxOptions
    ConcatenationOptions AddOptions L2NormOptions LocalResponseNormalizationOptions
    LSTMOptions ResizeBilinearOptions CallOptions ReshapeOptions SkipGramOptions
    SpaceToDepthOptions EmbeddingLookupSparseOptions MulOptions PadOptions GatherOptions
    BatchToSpaceNDOptions SpaceToBatchNDOptions TransposeOptions ReducerOptions SubOptions
    DivOptions SqueezeOptions SequenceRNNOptions StridedSliceOptions ExpOptions
    TopKV2Options SplitOptions LogSoftmaxOptions CastOptions DequantizeOptions
    MaximumMinimumOptions ArgMaxOptions LessOptions NegOptions PadV2Options GreaterOptions
    GreaterEqualOptions LessEqualOptions SelectOptions SliceOptions TransposeConvOptions
    SparseToDenseOptions TileOptions ExpandDimsOptions EqualOptions NotEqualOptions
    ShapeOptions PowOptions ArgMinOptions FakeQuantOptions PackOptions LogicalOrOptions
    OneHotOptions LogicalAndOptions LogicalNotOptions UnpackOptions FloorDivOptions
    SquareOptions ZerosLikeOptions FillOptions BidirectionalSequenceLSTMOptions
    BidirectionalSequenceRNNOptions UnidirectionalSequenceLSTMOptions FloorModOptions
    RangeOptions ResizeNearestNeighborOptions LeakyReluOptions SquaredDifferenceOptions
    MirrorPadOptions AbsOptions SplitVOptions UniqueOptions ReverseV2Options AddNOptions
    GatherNdOptions CosOptions WhereOptions RankOptions ReverseSequenceOptions
    MatrixDiagOptions QuantizeOptions MatrixSetDiagOptions HardSwishOptions IfOptions
    WhileOptions DepthToSpaceOptions NonMaxSuppressionV4Options NonMaxSuppressionV5Options
    ScatterNdOptions SelectV2Options DensifyOptions SegmentSumOptions BatchMatMulOptions
    CumsumOptions CallOnceOptions BroadcastToOptions Rfft2dOptions Conv3DOptions
    HashtableOptions HashtableFindOptions HashtableImportOptions HashtableSizeOptions
    VarHandleOptions ReadVariableOptions AssignVariableOptions RandomOptions
    BucketizeOptions GeluOptions DynamicUpdateSliceOptions UnsortedSegmentProdOptions
    UnsortedSegmentMaxOptions UnsortedSegmentMinOptions UnsortedSegmentSumOptions
    ATan2Options SignOptions BitcastOptions BitwiseXorOptions RightShiftOptions
"""

_SECOND_UNION = """
    NONE StablehloConcatenateOptions StablehloBroadcastInDimOptions StablehloSliceOptions
    StablehloConvolutionOptions StablehloCustomCallOptions StablehloReduceOptions
    StablehloScatterOptions StablehloCompareOptions StablehloDynamicSliceOptions
    StablehloPadOptions StablehloIotaOptions StablehloDotGeneralOptions
    StablehloReduceWindowOptions StablehloSortOptions StablehloWhileOptions
    StablehloGatherOptions StablehloTransposeOptions DilateOptions
    StablehloRngBitGeneratorOptions ReduceWindowOptions StableHLOCompositeOptions
    StablehloShiftLeftOptions StablehloCaseOptions
"""

BUILTIN_OPTIONS = tuple(_FIRST_UNION.split())
BUILTIN_OPTIONS_2 = tuple(_SECOND_UNION.split())

_ACT = "fused_activation_function:ActivationFunctionType"
_WINDOW = "padding:Padding stride_w:i32 stride_h:i32"
_QUANTIZE = "asymmetric_quantize_inputs:bool"
_LSTM = f"{_ACT} cell_clip:f32 proj_clip:f32"
_BODY = "cond_subgraph_index:i32 body_subgraph_index:i32"

_WITH_FIELDS = {
    # convolution, pooling, matrix products
    "Conv2DOptions": f"{_WINDOW} {_ACT} dilation_w_factor:i32=1 dilation_h_factor:i32=1"
    " quantized_bias_type:TensorType",
    "Conv3DOptions": f"padding:Padding stride_d:i32 stride_w:i32 stride_h:i32 {_ACT}"
    " dilation_d_factor:i32=1 dilation_w_factor:i32=1 dilation_h_factor:i32=1",
    "DepthwiseConv2DOptions": f"{_WINDOW} depth_multiplier:i32 {_ACT} dilation_w_factor:i32=1"
    " dilation_h_factor:i32=1",
    "TransposeConvOptions": f"{_WINDOW} {_ACT} quantized_bias_type:TensorType",
    "Pool2DOptions": f"{_WINDOW} filter_width:i32 filter_height:i32 {_ACT}",
    "FullyConnectedOptions": f"{_ACT} weights_format:FullyConnectedOptionsWeightsFormat"
    f" keep_num_dims:bool {_QUANTIZE} quantized_bias_type:TensorType quant_spec:[u8]",
    "BatchMatMulOptions": f"adj_x:bool adj_y:bool {_QUANTIZE}",
    # recurrent
    "SVDFOptions": f"rank:i32 {_ACT} {_QUANTIZE}",
    "RNNOptions": f"{_ACT} {_QUANTIZE}",
    "SequenceRNNOptions": f"time_major:bool {_ACT} {_QUANTIZE}",
    "BidirectionalSequenceRNNOptions": f"time_major:bool {_ACT} merge_outputs:bool {_QUANTIZE}",
    "LSTMOptions": f"{_LSTM} kernel_type:LSTMKernelType {_QUANTIZE}",
    "UnidirectionalSequenceLSTMOptions": f"{_LSTM} time_major:bool {_QUANTIZE}"
    " diagonal_recurrent_tensors:bool",
    "BidirectionalSequenceLSTMOptions": f"{_LSTM} merge_outputs:bool time_major:bool=true"
    f" {_QUANTIZE}",
    # elementwise and normalisation
    "AddOptions": f"{_ACT} pot_scale_int16:bool=true",
    "SubOptions": f"{_ACT} pot_scale_int16:bool=true",
    "MulOptions": _ACT,
    "DivOptions": _ACT,
    "L2NormOptions": _ACT,
    "LocalResponseNormalizationOptions": "radius:i32 bias:f32 alpha:f32 beta:f32",
    "SoftmaxOptions": "beta:f32",
    "LeakyReluOptions": "alpha:f32",
    "GeluOptions": "approximate:bool",
    "FakeQuantOptions": "min:f32 max:f32 num_bits:i32 narrow_range:bool",
    "CastOptions": "in_data_type:TensorType out_data_type:TensorType",
    "CumsumOptions": "exclusive:bool reverse:bool",
    "BucketizeOptions": "boundaries:[f32]",
    "ReducerOptions": "keep_dims:bool",
    "ReduceWindowOptions": "reduce_function:ReduceWindowFunction",
    "ArgMaxOptions": "output_type:TensorType",
    "ArgMinOptions": "output_type:TensorType",
    # shapes and moving data
    "ConcatenationOptions": f"axis:i32 {_ACT}",
    "ReshapeOptions": "new_shape:[i32]",
    "SqueezeOptions": "squeeze_dims:[i32]",
    "SplitOptions": "num_splits:i32",
    "SplitVOptions": "num_splits:i32",
    "PackOptions": "values_count:i32 axis:i32",
    "UnpackOptions": "num:i32 axis:i32",
    "GatherOptions": "axis:i32 batch_dims:i32",
    "OneHotOptions": "axis:i32",
    "ReverseSequenceOptions": "seq_dim:i32 batch_dim:i32",
    "StridedSliceOptions": "begin_mask:i32 end_mask:i32 ellipsis_mask:i32 new_axis_mask:i32"
    " shrink_axis_mask:i32 offset:bool",
    "SpaceToDepthOptions": "block_size:i32",
    "DepthToSpaceOptions": "block_size:i32",
    "MirrorPadOptions": "mode:MirrorPadMode",
    "ShapeOptions": "out_type:TensorType",
    "UniqueOptions": "idx_out_type:TensorType=INT32",
    "SparseToDenseOptions": "validate_indices:bool",
    # The first two are deprecated: the size has been an input since 2018.
    "ResizeBilinearOptions": "new_height:i32 new_width:i32 align_corners:bool"
    " half_pixel_centers:bool",
    "ResizeNearestNeighborOptions": "align_corners:bool half_pixel_centers:bool",
    # text, tables, state, control flow
    "ConcatEmbeddingsOptions": "num_channels:i32 num_columns_per_channel:[i32]"
    " embedding_dim_per_channel:[i32]",
    "EmbeddingLookupSparseOptions": "combiner:CombinerType",
    "LSHProjectionOptions": "type:LSHProjectionType",
    "SkipGramOptions": "ngram_size:i32 max_skip_size:i32 include_all_ngrams:bool",
    "HashtableOptions": "table_id:i32 key_dtype:TensorType value_dtype:TensorType",
    "VarHandleOptions": "container:str shared_name:str",
    "RandomOptions": "seed:i64 seed2:i64",
    "CallOptions": "subgraph:u32",
    "CallOnceOptions": "init_subgraph_index:i32",
    "IfOptions": "then_subgraph_index:i32 else_subgraph_index:i32",
    "WhileOptions": _BODY,
    # StableHLO
    "StablehloBroadcastInDimOptions": "broadcast_dimensions:[i64]",
    "StablehloCaseOptions": "branch_subgraph_indices:[i32]",
    "StablehloCompareOptions": "comparison_direction:StablehloComparisonDirection"
    " compare_type:StablehloComparisonType",
    "StableHLOCompositeOptions": "name:str decomposition_subgraph_index:i32"
    " composite_attributes:[u8] composite_attributes_format:CustomOptionsFormat version:i32",
    "StablehloConcatenateOptions": "dimension:i64",
    "StablehloConvolutionOptions": "window_strides:[i64] padding:[i64] lhs_dilation:[i64]"
    " rhs_dilation:[i64] window_reversal:[bool] input_batch_dimension:i64"
    " input_feature_dimension:i64 input_spatial_dimensions:[i64]"
    " kernel_input_feature_dimension:i64 kernel_output_feature_dimension:i64"
    " kernel_spatial_dimensions:[i64] output_batch_dimension:i64 output_feature_dimension:i64"
    " output_spatial_dimensions:[i64] feature_group_count:i64 batch_group_count:i64"
    " precision_config:[StablehloPrecisionConfig]",
    "StablehloCustomCallOptions": "call_target_name:str has_side_effect:bool backend_config:str"
    " api_version:i32 called_computations:[i32] custom_attributes:[u8]",
    "StablehloDotGeneralOptions": "lhs_batching_dimensions:[i64] rhs_batching_dimensions:[i64]"
    " lhs_contracting_dimensions:[i64] rhs_contracting_dimensions:[i64]"
    " precision_config:[StablehloPrecisionConfig]",
    "StablehloDynamicSliceOptions": "slice_sizes:[i64]",
    "StablehloGatherOptions": "offset_dims:[i64] collapsed_slice_dims:[i64] start_index_map:[i64]"
    " index_vector_dim:i64 slice_sizes:[i64] indices_are_sorted:bool",
    "StablehloIotaOptions": "iota_dimension:i64",
    "StablehloPadOptions": "edge_padding_low:[i64] edge_padding_high:[i64] interior_padding:[i64]",
    "StablehloReduceOptions": "dimensions:[i64] body_subgraph_index:i32",
    "StablehloReduceWindowOptions": "window_dimensions:[i64] window_strides:[i64]"
    " base_dilations:[i64] window_dilations:[i64] padding:[i64] body_subgraph_index:i32",
    "StablehloRngBitGeneratorOptions": "algorithm:RngAlgorithm",
    "StablehloScatterOptions": "indices_are_sorted:bool update_window_dims:[i64]"
    " inserted_window_dims:[i64] scatter_dims_to_operand_dims:[i64] index_vector_dim:i64"
    " unique_indices:bool update_computation_subgraph_index:i32",
    "StablehloSliceOptions": "start_indices:[i64] limit_indices:[i64] strides:[i64]",
    "StablehloSortOptions": "dimension:i64 is_stable:bool comparator_subgraph_index:i32",
    "StablehloTransposeOptions": "permutation:[i64]",
    "StablehloWhileOptions": _BODY,
}

OPTION_TABLES: dict[str, str] = {
    name: _WITH_FIELDS.get(name, "") for name in (*BUILTIN_OPTIONS[1:], *BUILTIN_OPTIONS_2[1:])
}
