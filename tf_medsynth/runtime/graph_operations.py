"""Operations of TensorFlow that compute and touch nothing else: what the graph of a SavedModel may hold.

A list of what is allowed, since TensorFlow has 1,900 operations and adds some with each version. Among those
left out: all that open files (``ReadFile``, ``WriteFile``, ``MatchingFiles``, tables of text files, readers,
records, summaries), call Python, print, talk to other processes, or end this one (``Abort``).
"""

from __future__ import annotations

_STRUCTURE = """
    Const Identity IdentityN NoOp Placeholder PlaceholderWithDefault StopGradient PreventGradient Shape ShapeN
    Size Rank Reshape Squeeze ExpandDims EnsureShape BroadcastTo BroadcastArgs BroadcastGradientArgs Fill
    ZerosLike OnesLike Range LinSpace Pack Unpack Concat ConcatV2 ConcatOffset Split SplitV Slice StridedSlice
    StridedSliceGrad Gather GatherV2 GatherNd ScatterNd TensorScatterAdd TensorScatterMax TensorScatterMin
    TensorScatterSub TensorScatterUpdate Tile Transpose ConjugateTranspose InvertPermutation Reverse ReverseV2
    ReverseSequence Roll Pad PadV2 MirrorPad OneHot Where Select SelectV2 Unique UniqueV2 UniqueWithCounts
    UniqueWithCountsV2 ListDiff DynamicPartition DynamicStitch ParallelDynamicStitch BatchToSpace
    BatchToSpaceND SpaceToBatch SpaceToBatchND DepthToSpace SpaceToDepth Bitcast Cast MatrixDiag MatrixDiagV2
    MatrixDiagV3 MatrixDiagPart MatrixDiagPartV2 MatrixDiagPartV3 MatrixSetDiag MatrixSetDiagV2
    MatrixSetDiagV3 MatrixBandPart Diag DiagPart ExtractImagePatches UnravelIndex TopK TopKV2 NthElement
    LowerBound UpperBound Bucketize Bincount DenseBincount
"""

_FLOW = """
    PartitionedCall StatefulPartitionedCall If StatelessIf Case StatelessCase While StatelessWhile For Switch
    Merge Enter Exit NextIteration LoopCond ControlTrigger Assert FakeParam Timestamp
    TensorListReserve TensorListFromTensor TensorListStack TensorListGetItem TensorListSetItem
    TensorListLength TensorListPushBack TensorListPopBack TensorListElementShape TensorListResize
    TensorListConcat TensorListConcatV2 TensorListGather TensorListScatter TensorListScatterV2 TensorListSplit
    EmptyTensorList
    TensorArrayV3 TensorArrayReadV3 TensorArrayWriteV3 TensorArrayGatherV3 TensorArrayScatterV3
    TensorArraySizeV3 TensorArrayCloseV3 TensorArrayConcatV3 TensorArraySplitV3
"""

_VARIABLES = """
    VarHandleOp ReadVariableOp AssignVariableOp AssignAddVariableOp AssignSubVariableOp VarIsInitializedOp
    VariableShape ResourceGather ResourceGatherNd DisableCopyOnRead DestroyResourceOp
"""

_ARITHMETIC = """
    Abs AccumulateNV2 Acos Acosh Add AddN AddV2 All Any ApproximateEqual ArgMax ArgMin Asin Asinh Atan Atan2
    Atanh BesselI0e BesselI1e BitwiseAnd BitwiseOr BitwiseXor Ceil ClipByValue Complex ComplexAbs Angle Real
    Imag Conj Cos Cosh Cumprod Cumsum CumulativeLogsumexp Digamma Div DivNoNan Einsum Equal Erf Erfc Erfinv
    EuclideanNorm Exp Expm1 Floor FloorDiv FloorMod Greater GreaterEqual Inv Invert IsFinite IsInf IsNan
    LeftShift Less LessEqual Lgamma Log Log1p LogicalAnd LogicalNot LogicalOr Max Maximum Mean Min Minimum Mod
    Mul MulNoNan Neg NextAfter NotEqual PopulationCount Pow Prod RealDiv Reciprocal RightShift Rint Round
    Rsqrt SegmentMax SegmentMean SegmentMin SegmentProd SegmentSum Sigmoid Sign Sin Sinh Sqrt Square
    SquaredDifference Sub Sum Tan Tanh TruncateDiv TruncateMod UnsortedSegmentMax UnsortedSegmentMin
    UnsortedSegmentProd UnsortedSegmentSum Xdivy Xlog1py Xlogy Zeta HistogramFixedWidth
    MatMul BatchMatMul BatchMatMulV2 BatchMatMulV3 Cholesky MatrixDeterminant MatrixInverse MatrixSolve
    MatrixTriangularSolve Qr SelfAdjointEigV2 Svd Cross L2Loss FFT FFT2D FFT3D IFFT IFFT2D IFFT3D RFFT RFFT2D
    RFFT3D IRFFT IRFFT2D IRFFT3D
"""

_NETWORKS = """
    AvgPool AvgPool3D BatchNormWithGlobalNormalization BiasAdd BiasAddV1 Conv2D Conv2DBackpropFilter
    Conv2DBackpropInput Conv3D Conv3DBackpropInputV2 DepthwiseConv2dNative Dilation2D Elu FractionalAvgPool
    FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3 LeakyRelu LogSoftmax LRN MaxPool MaxPool3D MaxPoolV2
    MaxPoolWithArgmax Relu Relu6 Selu Softmax Softplus Softsign SoftmaxCrossEntropyWithLogits
    SparseSoftmaxCrossEntropyWithLogits InTopKV2 FakeQuantWithMinMaxArgs FakeQuantWithMinMaxVars
    FakeQuantWithMinMaxVarsPerChannel QuantizeV2 Dequantize
"""

_DRAWS = """
    StatelessRandomGetKeyCounter StatelessRandomGetAlg StatelessRandomGetKeyCounterAlg StatelessRandomNormal
    StatelessRandomNormalV2 StatelessRandomUniform StatelessRandomUniformV2 StatelessRandomUniformFullInt
    StatelessRandomUniformFullIntV2 StatelessRandomUniformInt StatelessRandomUniformIntV2 StatelessMultinomial
    StatelessTruncatedNormal StatelessTruncatedNormalV2 StatelessShuffle RandomIndexShuffle RandomUniform
    RandomUniformInt RandomStandardNormal TruncatedNormal RandomShuffle Multinomial RngReadAndSkip
"""

_PICTURES = """
    AdjustContrastv2 AdjustHue AdjustSaturation CropAndResize DecodeAndCropJpeg DecodeBmp DecodeImage
    DecodeJpeg DecodePng DrawBoundingBoxesV2 EncodeJpeg EncodePng ExtractJpegShape HSVToRGB RGBToHSV
    ImageProjectiveTransformV2 ImageProjectiveTransformV3 NonMaxSuppressionV3 NonMaxSuppressionV4
    NonMaxSuppressionV5 CombinedNonMaxSuppression ResizeArea ResizeBicubic ResizeBilinear
    ResizeNearestNeighbor ScaleAndTranslate
"""

_TEXT = """
    AsString DecodeBase64 EncodeBase64 DecodePaddedRaw DecodeRaw ParseExample ParseExampleV2
    ParseSingleExample ParseTensor SerializeTensor ReduceJoin RegexFullMatch RegexReplace StaticRegexFullMatch
    StaticRegexReplace StringFormat StringJoin StringLength StringLower StringSplit StringSplitV2 StringStrip
    StringToHashBucketFast StringToNumber StringUpper Substr UnicodeTranscode SparseToDense
"""

ALLOWED = frozenset(
    f"{_STRUCTURE} {_FLOW} {_VARIABLES} {_ARITHMETIC} {_NETWORKS} {_DRAWS} {_PICTURES} {_TEXT}".split()
)
"""Names of operations that any function of a graph may hold."""

OF_THE_SAVER = frozenset({"SaveV2", "RestoreV2", "MergeV2Checkpoints", "ShardedFilename"})
"""What every SavedModel brings to write and read its weights: in the functions for that alone."""
