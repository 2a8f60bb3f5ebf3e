"""The TensorFlow operations that a teacher's SavedModel may contain.

A list of what is accepted, by hand, from TensorFlow 2.21's registry of 1,910
operations: arithmetic, control flow, variables, tables and text of a
classifier's forward pass and of the gradients that `tf.saved_model.save` writes
beside it. TensorFlow's own `is_stateful` mark can't decide: `ReadFile`,
`PyFuncStateless` and `DebugIdentity` (which writes to URLs) go without it.
Absent on purpose: files, readers, datasets and iterators, Python functions,
printing, summaries, queues, RPC and collectives, XLA modules and custom calls,
debugging, and decoders of foreign formats.
"""

from __future__ import annotations

_STRUCTURE = """
Assert Case CheckNumerics Const ControlTrigger EnsureShape Enter Exit FakeParam Identity IdentityN If LoopCond Merge
NextIteration NoOp PartitionedCall Placeholder PlaceholderWithDefault PreventGradient StatefulPartitionedCall
StatelessCase StatelessIf StatelessWhile StopGradient Switch While DeviceIndex Empty
"""

_VARIABLES = """
AssignAddVariableOp AssignSubVariableOp AssignVariableOp DestroyResourceOp DisableCopyOnRead IsVariableInitialized
ReadVariableOp ResourceGather ResourceGatherNd ResourceScatterAdd ResourceScatterUpdate VarHandleOp VarIsInitializedOp
VariableShape
"""

_TABLES = """
AnonymousHashTable AnonymousMutableDenseHashTable AnonymousMutableHashTable AnonymousMutableHashTableOfTensors
HashTableV2 InitializeTableFromTextFileV2 InitializeTableV2 LookupTableExportV2 LookupTableFindV2 LookupTableImportV2
LookupTableInsertV2 LookupTableRemoveV2 LookupTableSizeV2 MutableDenseHashTableV2 MutableHashTableOfTensorsV2
MutableHashTableV2
"""

_ARITHMETIC = """
Abs AccumulateNV2 Acos Acosh Add AddN AddV2 All Angle Any ApproximateEqual ArgMax ArgMin Asin Asinh Atan Atan2 Atanh
BatchMatMul BatchMatMulV2 BatchMatMulV3 BesselI0e BesselI1e Betainc BitwiseAnd BitwiseOr BitwiseXor Bucketize Cast
Ceil ClipByValue Complex ComplexAbs Conj Cos Cosh Cross Cumprod Cumsum CumulativeLogsumexp DenseBincount Digamma Div
DivNoNan Einsum Equal Erf Erfc Erfinv EuclideanNorm Exp Expm1 Floor FloorDiv FloorMod Greater GreaterEqual
HistogramFixedWidth Igamma Igammac Imag Inv Invert IsFinite IsInf IsNan L2Loss LeftShift Less LessEqual Lgamma
LinSpace Log Log1p LogicalAnd LogicalNot LogicalOr MatMul Max Maximum Mean Min Minimum Mod Mul MulNoNan Ndtri Neg
NextAfter NotEqual OnesLike Polygamma PopulationCount Pow Prod Range Real RealDiv Reciprocal RightShift Rint Round
Rsqrt SegmentMax SegmentMaxV2 SegmentMean SegmentMin SegmentMinV2 SegmentProd SegmentProdV2 SegmentSum SegmentSumV2
Select SelectV2 Sigmoid Sign Sin Sinh Sqrt Square SquaredDifference Sub Sum Tan Tanh TruncateDiv TruncateMod
UnsortedSegmentMax UnsortedSegmentMin UnsortedSegmentProd UnsortedSegmentSum Xdivy Xlog1py Xlogy ZerosLike Zeta
"""

_LINEAR_ALGEBRA = """
BatchMatrixBandPart Cholesky Diag DiagPart FFT FFT2D FFT3D FFTND IFFT IFFT2D IFFT3D IFFTND IRFFT IRFFT2D IRFFT3D
IRFFTND MatrixBandPart MatrixDeterminant MatrixDiag MatrixDiagPart MatrixDiagPartV2 MatrixDiagPartV3 MatrixDiagV2
MatrixDiagV3 MatrixInverse MatrixSetDiag MatrixSetDiagV2 MatrixSetDiagV3 MatrixSolve MatrixSquareRoot
MatrixTriangularSolve Qr RFFT RFFT2D RFFT3D RFFTND SelfAdjointEigV2 Svd TridiagonalSolve
"""

_ARRAYS = """
BatchToSpace BatchToSpaceND Bitcast BroadcastArgs BroadcastGradientArgs BroadcastTo Concat ConcatOffset ConcatV2
DataFormatDimMap DataFormatVecPermute DepthToSpace DynamicPartition DynamicStitch ExpandDims Fill Gather GatherNd
GatherV2 InTopK InTopKV2 InvertPermutation ListDiff LowerBound MirrorPad MirrorPadGrad NthElement OneHot Pack Pad
PadV2 ParallelDynamicStitch Rank Reshape Reverse ReverseSequence ReverseV2 Roll ScatterNd Shape ShapeN Size Slice
Snapshot SpaceToBatch SpaceToBatchND SpaceToDepth Split SplitV Squeeze StridedSlice StridedSliceGrad TensorScatterAdd
TensorScatterMax TensorScatterMin TensorScatterSub TensorScatterUpdate TensorStridedSliceUpdate Tile TopK TopKV2
Transpose Unique UniqueV2 UniqueWithCounts UniqueWithCountsV2 Unpack UnravelIndex UpperBound Where
"""

_NETWORKS = """
AvgPool AvgPool3D AvgPool3DGrad AvgPoolGrad BiasAdd BiasAddGrad BiasAddV1 BlockLSTM BlockLSTMV2 Conv Conv2D
Conv2DBackpropFilter Conv2DBackpropFilterV2 Conv2DBackpropInput Conv2DBackpropInputV2 Conv3D Conv3DBackpropFilterV2
Conv3DBackpropInputV2 CudnnRNN CudnnRNNBackprop CudnnRNNBackpropV2 CudnnRNNBackpropV3 CudnnRNNV2 CudnnRNNV3
DepthwiseConv2dNative DepthwiseConv2dNativeBackpropFilter DepthwiseConv2dNativeBackpropInput Dequantize Dilation2D Elu
EluGrad FakeQuantWithMinMaxArgs FakeQuantWithMinMaxArgsGradient FakeQuantWithMinMaxVars
FakeQuantWithMinMaxVarsGradient FakeQuantWithMinMaxVarsPerChannel FakeQuantWithMinMaxVarsPerChannelGradient
FractionalAvgPool FractionalMaxPool FusedBatchNorm FusedBatchNormGrad FusedBatchNormGradV2 FusedBatchNormGradV3
FusedBatchNormV2 FusedBatchNormV3 GRUBlockCell InvGrad LRN LRNGrad LSTMBlockCell LeakyRelu LeakyReluGrad LogSoftmax
MaxPool MaxPool3D MaxPool3DGrad MaxPoolGrad MaxPoolGradV2 MaxPoolGradWithArgmax MaxPoolV2 MaxPoolWithArgmax
QuantizeAndDequantizeV2 QuantizeAndDequantizeV3 QuantizeAndDequantizeV4 QuantizeV2 ReciprocalGrad Relu Relu6 Relu6Grad
ReluGrad RsqrtGrad Selu SeluGrad SigmoidGrad Softmax SoftmaxCrossEntropyWithLogits Softplus SoftplusGrad Softsign
SoftsignGrad SparseSoftmaxCrossEntropyWithLogits SqrtGrad TanhGrad
"""

_IMAGES = """
AdjustContrastv2 AdjustHue AdjustSaturation CropAndResize CropAndResizeGradImage ExtractImagePatches
ExtractVolumePatches HSVToRGB ImageProjectiveTransformV2 ImageProjectiveTransformV3 RGBToHSV ResizeArea ResizeBicubic
ResizeBicubicGrad ResizeBilinear ResizeBilinearGrad ResizeNearestNeighbor ResizeNearestNeighborGrad ScaleAndTranslate
ScaleAndTranslateGrad
"""

# Dropout and augmentation of the training branch, which is saved beside the forward pass.
_RANDOM = """
Multinomial RandomShuffle RandomStandardNormal RandomUniform RandomUniformInt RngReadAndSkip RngSkip
StatefulStandardNormalV2 StatefulTruncatedNormal StatefulUniform StatefulUniformFullInt StatefulUniformInt
StatelessMultinomial StatelessRandomBinomial StatelessRandomGetAlg StatelessRandomGetKeyCounter
StatelessRandomGetKeyCounterAlg StatelessRandomNormal StatelessRandomNormalV2 StatelessRandomUniform
StatelessRandomUniformFullInt StatelessRandomUniformFullIntV2 StatelessRandomUniformInt StatelessRandomUniformIntV2
StatelessRandomUniformV2 StatelessShuffle StatelessTruncatedNormal StatelessTruncatedNormalV2 TruncatedNormal
"""

_SEQUENCES = """
EmptyTensorList RaggedBincount RaggedGather RaggedRange RaggedTensorFromVariant RaggedTensorToSparse
RaggedTensorToTensor RaggedTensorToVariant RaggedTensorToVariantGradient SparseAdd SparseBincount SparseConcat
SparseFillEmptyRows SparseFillEmptyRowsGrad SparseReorder SparseReshape SparseSegmentMean SparseSegmentMeanGrad
SparseSegmentMeanWithNumSegments SparseSegmentSqrtN SparseSegmentSqrtNGrad SparseSegmentSqrtNWithNumSegments
SparseSegmentSum SparseSegmentSumGrad SparseSegmentSumWithNumSegments SparseSlice SparseTensorDenseMatMul
SparseToDense TensorArrayConcatV3 TensorArrayGatherV3 TensorArrayReadV3 TensorArrayScatterV3 TensorArraySizeV3
TensorArrayV3 TensorArrayWriteV3 TensorListConcatLists TensorListConcatV2 TensorListElementShape TensorListFromTensor
TensorListGather TensorListGetItem TensorListLength TensorListPopBack TensorListPushBack TensorListPushBackBatch
TensorListReserve TensorListResize TensorListScatterIntoExistingList TensorListScatterV2 TensorListSetItem
TensorListSplit TensorListStack
"""

_TEXT = """
AsString ReduceJoin RegexFullMatch RegexReplace StaticRegexFullMatch StaticRegexReplace StringFormat StringJoin
StringLength StringLower StringNGrams StringSplit StringSplitV2 StringStrip StringToHashBucket StringToHashBucketFast
StringToHashBucketStrong StringToNumber StringUpper Substr UnicodeDecode UnicodeDecodeWithOffsets UnicodeEncode
UnicodeScript UnicodeTranscode UnsortedSegmentJoin
"""

ACCEPTED_OPS = frozenset(
    " ".join(
        (
            _STRUCTURE,
            _VARIABLES,
            _TABLES,
            _ARITHMETIC,
            _LINEAR_ALGEBRA,
            _ARRAYS,
            _NETWORKS,
            _IMAGES,
            _RANDOM,
            _SEQUENCES,
            _TEXT,
        )
    ).split()
)
"""Operations accepted everywhere in a SavedModel."""

SAVER_OPS = frozenset({"MergeV2Checkpoints", "RestoreV2", "SaveV2", "ShardedFilename"})
"""Operations accepted in the saver functions alone, which loading and inference never call."""

FILE_TABLE_OP = "InitializeTableFromTextFileV2"
"""Accepted where the file it reads is one of the SavedModel's own assets."""
