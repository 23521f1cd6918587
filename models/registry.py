"""What is known of every network: its file, its hash, where it comes from, what it takes.

An entry pins one exact file by SHA-256. ``url`` is the public address of exactly that file;
where a file is a conversion that nobody offers publicly, ``url`` is None and ``origin`` says
what it was made from. The project's own networks aren't listed here: their files say all this
themselves (models/described.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from readroom.messages import BLENDSHAPES, KEYPOINTS, EngineName

#: Names of a network's classes or keypoints, in the order of its output.
Classes = tuple[str, ...]
Task = Literal["faces", "expression", "keypoints", "people", "mesh", "blendshapes", "identity"]


@dataclass(frozen=True, slots=True)
class InputSpec:
    """How a picture, or a crop of one, becomes a network's input.

    The value of a channel is ``(pixel · scale − mean) / std``, pixels in 0..255. ``width`` and
    ``height`` are px, 0 where the network takes any multiple of ``stride``. ``crop`` says how
    a box is brought to that size: ``square``: the tight box, longer side to the input's side,
    the rest filled with ``fill``, centred; ``stretch``: the tight box, both sides to the input's
    (aspect lost); ``aspect``: the box enlarged by ``margin_ratio`` and to the input's aspect;
    ``letterbox``: the whole picture, aspect kept, top left, the rest filled with ``fill``;
    ``face``: a square around the box's centre, moved down by ``shift_ratio`` and with a side of
    ``margin_ratio``, both in units of the box's longer side (models/crop.py); ``level``: the same
    turned so that the eyes are level; ``aligned``: the five landmarks where they are in every face
    that the network was trained on (both models/alignment.py); ``points``: no picture, but points
    that another network found in one.

    ``layout`` ``planes`` is [channels, height, width], ``pixels`` [height, width, channels].
    """

    width: int
    height: int
    color: Literal["bgr", "rgb", "grey"]
    crop: Literal["square", "stretch", "aspect", "letterbox", "face", "level", "aligned", "points"]
    scale: float = 1.0
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    fill: int = 0
    margin_ratio: float = 1.0
    shift_ratio: float = 0.0
    stride: int = 1
    layout: Literal["planes", "pixels"] = "planes"

    @property
    def channels(self) -> int:
        """1 for grey, else 3."""
        return 1 if self.color == "grey" else 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One network file. ``inputs`` and ``outputs`` map tensor names to shapes, 0: symbolic."""

    name: str
    task: Task
    engine: EngineName
    file: str
    sha256: str
    size_bytes: int
    url: str | None
    origin: str
    licence: str
    citation: str
    input: InputSpec
    inputs: MappingProxyType[str, tuple[int, ...]]
    outputs: MappingProxyType[str, tuple[int, ...]]
    classes: Classes = ()
    notes: str

    @property
    def input_name(self) -> str:
        """The name of the (one) input."""
        return next(iter(self.inputs))

    @property
    def item_shape(self) -> tuple[int, ...]:
        """The shape of one item of that input, 0 where it is symbolic."""
        return self.inputs[self.input_name][1:]


def _tensors(**shapes: tuple[int, ...]) -> MappingProxyType[str, tuple[int, ...]]:
    return MappingProxyType(shapes)


_IMAGENET_MEAN = (0.485, 0.456, 0.406)
_IMAGENET_STD = (0.229, 0.224, 0.225)
_RAW = "https://raw.githubusercontent.com"
_YUNET = (
    "Wu, Peng, Yu: YuNet: A Tiny Millisecond-level Face Detector. Machine Intelligence Research 20 "
    "(2023), "
)
_YUNET_AT = "https://doi.org/10.1007/s11633-023-1423-y"
_TINYPOSE = "PaddlePaddle Authors: PaddleDetection, PP-TinyPose (2021), "
_TINYPOSE_AT = "https://github.com/PaddlePaddle/PaddleDetection"
_MEDIAPIPE = (
    "google-ai-edge/mediapipe 0179f0c4, face_landmarker_v2_with_blendshapes.task (converted)"
)
_WIDER_FACE = (
    "Yang, Luo, Loy, Tang: WIDER FACE: A Face Detection Benchmark (2016), the photographs, "
    "https://arxiv.org/abs/1511.06523"
)

#: Points of a face mesh, irises included.
MESH_POINTS: Final = 478

#: What a face detector says, at every stride and in each of its cells (models/detection.py).
FACE_OUTPUTS: Final = MappingProxyType(
    {
        f"{head}_{stride}": (0, 0, width)
        for head, width in (("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10))
        for stride in (8, 16, 32)
    }
)


def _tinypose(width: int, height: int, sha256: str, size_bytes: int) -> Entry:
    return Entry(
        name=f"tinypose_{height}x{width}",
        task="keypoints",
        engine="pose",
        file=f"tinypose_{height}x{width}.onnx",
        sha256=sha256,
        size_bytes=size_bytes,
        url=None,
        origin="PaddlePaddle/PaddleDetection, PP-TinyPose (converted from its ncnn form)",
        licence="Apache-2.0",
        citation=_TINYPOSE + _TINYPOSE_AT,
        input=InputSpec(
            width,
            height,
            "rgb",
            "aspect",
            scale=1 / 255,
            mean=_IMAGENET_MEAN,
            std=_IMAGENET_STD,
            margin_ratio=1.25,
        ),
        inputs=_tensors(image=(0, 3, height, width)),
        outputs=MappingProxyType(
            {"save_infer_model/scale_0.tmp_1": (0, len(KEYPOINTS), height // 4, width // 4)}
        ),
        classes=KEYPOINTS,
        notes="top-down: one person box at a time; heatmaps at a quarter of the input",
    )


_ENTRIES = (
    Entry(
        name="yunet_n_dynamic",
        task="faces",
        engine="face",
        file="yunet_n_dynamic.onnx",
        sha256="104ee26c71d5c270ce79a6b3dced91c91013260d29a6bf18f9296c5b8c4c2b12",
        size_bytes=322906,
        url=f"{_RAW}/ShiqiYu/libfacedetection.train/0047ac24afb1a50a0c6105001c89d1b5b805dbf1"
        "/onnx/yunet_n_dynamic.onnx",
        origin="ShiqiYu/libfacedetection.train 0047ac24, onnx/yunet_n_dynamic.onnx",
        licence="Apache-2.0",
        citation=_YUNET + _YUNET_AT,
        input=InputSpec(0, 0, "bgr", "letterbox", stride=32),
        inputs=_tensors(input=(0, 3, 0, 0)),
        outputs=FACE_OUTPUTS,
        notes="trained on WIDER FACE; gives five landmarks",
    ),
    Entry(
        name="faceapi_expression",
        task="expression",
        engine="expression",
        file="faceapi_expression.onnx",
        sha256="b9fa925c05456b5ba925c9bd3a088961d505b865b73a473f8e67fb989829d662",
        size_bytes=1301362,
        url=None,
        origin="justadudewhohacks/face-api.js a86f011d, weights/face_expression_model (converted)",
        licence="MIT",
        citation="Mühler: face-api.js (2018), https://github.com/justadudewhohacks/face-api.js",
        input=InputSpec(112, 112, "rgb", "square"),
        inputs=_tensors(input=(0, 3, 112, 112)),
        outputs=_tensors(probs=(0, 7)),
        classes=("neutral", "happiness", "sadness", "anger", "fear", "disgust", "surprise"),
        notes="accuracy .519 on 910 photos with noisy labels; recall of disgust near zero",
    ),
    Entry(
        name="mini_xception_fer2013",
        task="expression",
        engine="expression",
        file="mini_xception_fer2013.onnx",
        sha256="11445a58c9e669e88ed6afe56c0da84f89502fe93886ac9328954c658ae66a30",
        size_bytes=243262,
        url=None,
        origin="oarriaga/face_classification b861d21b, fer2013_mini_XCEPTION.102-0.66.hdf5 "
        "(converted)",
        licence="MIT",
        citation="Arriaga, Valdenegro-Toro, Plöger: Real-time Convolutional Neural Networks for "
        "Emotion and Gender Classification (2017), https://arxiv.org/abs/1710.07557",
        input=InputSpec(64, 64, "grey", "stretch", scale=2 / 255, mean=(1.0,)),
        inputs=_tensors(input=(0, 1, 64, 64)),
        outputs=_tensors(probs=(0, 7)),
        classes=("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral"),
        notes="accuracy .451 on 910 photos with noisy labels; recall of disgust near zero",
    ),
    _tinypose(96, 128, "1a6210840b73bacf6586bc7f1b48e13517e49ae886659ad5e85a4fd217d849a8", 5305048),
    _tinypose(
        192, 256, "24da57b993fe719075eb7b541e268aa41824d0c41c1218bd774797de57bcfc65", 5305049
    ),
    Entry(
        name="yolox_nano_416",
        task="people",
        engine="pose",
        file="yolox_nano_416.onnx",
        sha256="c37a0dd5c209f2ffa842bfdceaea899ced682d79031c8cb215739026ad127a6e",
        size_bytes=3647721,
        url=None,
        origin="opencv/opencv_zoo 371cb249, models/object_detection_yolox/yolox_nano.onnx "
        "(its fixed batch made symbolic)",
        licence="Apache-2.0",
        citation="Ge, Liu, Wang, Li, Sun: YOLOX: Exceeding YOLO Series in 2021, "
        "https://arxiv.org/abs/2107.08430",
        input=InputSpec(416, 416, "bgr", "letterbox", fill=114, stride=32),
        inputs=_tensors(images=(0, 3, 416, 416)),
        outputs=_tensors(output=(0, 3549, 85)),
        notes="finds people (COCO class 0) for a worker that runs poses without faces",
    ),
    Entry(
        name="mediapipe_face_landmarks",
        task="mesh",
        engine="mesh",
        file="mediapipe_face_landmarks.onnx",
        sha256="88e1c29e67a0571ef751dd92da1c69892f1124fb6538e911df04dfb5071ca36a",
        size_bytes=1153859,
        url=None,
        origin=_MEDIAPIPE,
        licence="Apache-2.0",
        citation="Grishchenko, Ablavatski, Kartynnik, Raveendran, Grundmann: Attention Mesh: "
        "High-fidelity Face Mesh Prediction in Real-time (2020), "
        "https://arxiv.org/abs/2006.10962",
        input=InputSpec(192, 192, "rgb", "level", scale=1 / 255, margin_ratio=1.5, layout="pixels"),
        inputs=MappingProxyType({"serving_default_input_28:0": (0, 192, 192, 3)}),
        outputs=MappingProxyType(
            {
                "StatefulPartitionedCall:1": (0, 1, 1, 3 * MESH_POINTS),
                "StatefulPartitionedCall:0": (0, 1, 1, 1),
            }
        ),
        notes="478 points of a face, and whether it is one; of no use without the blendshapes",
    ),
    Entry(
        name="mediapipe_face_blendshapes",
        task="blendshapes",
        engine="mesh",
        file="mediapipe_face_blendshapes.onnx",
        sha256="eb2465c928cc6e9538a6df0d16c948abeda80e46c485f69d6313bbe6bd751892",
        size_bytes=1883636,
        url=None,
        origin=_MEDIAPIPE,
        licence="Apache-2.0",
        citation="Grishchenko, Yan, Bazavan, Zanfir, Chinaev, Raveendran, Grundmann, "
        "Sminchisescu: Blendshapes GHUM: Real-time Monocular Facial Blendshape Prediction (2023), "
        "https://arxiv.org/abs/2309.05782",
        input=InputSpec(0, 0, "grey", "points"),
        inputs=MappingProxyType({"serving_default_input_points:0": (1, 146, 2)}),
        outputs=MappingProxyType({"StatefulPartitionedCall:0": (len(BLENDSHAPES),)}),
        classes=BLENDSHAPES,
        notes="52 movements of a face from 146 of its points, one face at a time; a face that "
        "cries reads as mouthSmile too",
    ),
    Entry(
        name="mobilefacenet_112",
        task="identity",
        engine="identity",
        file="mobilefacenet_112.onnx",
        sha256="fe6be03d3c6b50e98e1e2380c2c2a087f8750cefb3764e2d08980483362f25af",
        size_bytes=3998080,
        url=None,
        origin="foamliu/MobileFaceNet a6cc9032, weights/MobileFaceNet.onnx (its fixed batch made "
        "symbolic)",
        licence="Apache-2.0",
        citation="Chen, Liu, Gao, Han: MobileFaceNets: Efficient CNNs for Accurate Real-Time Face "
        "Verification on Mobile Devices (2018), https://arxiv.org/abs/1804.07573",
        input=InputSpec(
            112, 112, "rgb", "aligned", scale=1 / 255, mean=_IMAGENET_MEAN, std=_IMAGENET_STD
        ),
        inputs=_tensors(input0=(0, 3, 112, 112)),
        outputs=_tensors(output0=(0, 128)),
        notes="trained on MS-Celeb-1M, a set that its publisher withdrew because its people had "
        "not been asked; balanced accuracy .985 at a cosine of .305 on 200 identities",
    ),
)

#: Every known network, by name.
REGISTRY: Final = MappingProxyType({entry.name: entry for entry in _ENTRIES})


@dataclass(frozen=True, slots=True)
class Own:
    """The project's own network for a task: its file's name, wherever it lies, and of the one
    that comes with the package its licence and what to cite."""

    file: str
    licence: str
    citation: str


#: The project's own networks, by task. Their files describe themselves (models/described.py) and
#: are preferred to every other.
OWN: Final[MappingProxyType[Task, Own]] = MappingProxyType(
    {
        "faces": Own(
            file="face.onnx",
            licence="Apache-2.0",
            citation=f"{_WIDER_FACE}; {_YUNET}the teacher, {_YUNET_AT}",
        ),
        "expression": Own(
            file="expression.onnx",
            licence="Apache-2.0",
            citation="Goodfellow et al.: Challenges in Representation Learning (2013), the "
            "pictures, https://arxiv.org/abs/1307.0414; Barsoum, Zhang, Canton Ferrer, Zhang: "
            "Training Deep Networks for Facial Expression Recognition with Crowd-Sourced Label "
            "Distribution (2016), the votes, https://arxiv.org/abs/1608.01041",
        ),
        "keypoints": Own(
            file="pose.onnx",
            licence="Apache-2.0",
            citation=f"{_WIDER_FACE}; {_TINYPOSE}the teacher, {_TINYPOSE_AT}",
        ),
    }
)

#: Which of the registry's networks serve a task, best first.
PREFERENCE: Final = MappingProxyType(
    {
        "faces": ("yunet_n_dynamic",),
        "expression": ("faceapi_expression", "mini_xception_fer2013"),
        "keypoints": ("tinypose_128x96", "tinypose_256x192"),
        "people": ("yolox_nano_416",),
        "mesh": ("mediapipe_face_landmarks",),
        "blendshapes": ("mediapipe_face_blendshapes",),
        "identity": ("mobilefacenet_112",),
    }
)

#: Model id of the detector that needs no file: OpenCV carries its cascade.
HAAR: Final = "haar_frontalface_default"
