"""Settings that no data set, training or generation can have; told before anything is read or written."""

from __future__ import annotations

from tests.hard_input.case import Case

_PREPARE = ("prepare", "brats/slices_64", "--manual-dir", "{base}/patients", "--data-dir", "{here}/data")
_TRAIN = ("--data", "brats/slices_64", "--data-dir", "{here}/data", "--run", "{here}/run", "--preset", "tiny")
_GENERATE = ("generate", "--from", "{model}", "--count", "1", "--out", "{here}/set")
_MANY = 10**30

_OF_ANY = {
    "unknown": ("colour=red", r"unknown setting of \w+\..*key='colour'.*|Known"),
    "no equals sign": ("colour", r"--set takes key=value"),
    "no key": ("=1", r"--set takes key=value"),
    "dunder": ("__class__=x", r"unknown setting"),
    "a method": ("to_dict=1", r"unknown setting"),
}
_OF_DATA = {
    "size of words": ("size=big,big", r"size must be of type int"),
    "size of one": ("size=64", r"size takes 2"),
    "size of three": ("size=1,2,3", r"size takes 2"),
    "size 0": ("size=0,0", r"size is two positive numbers"),
    "size below 0": ("size=-5,64", r"size is two positive numbers"),
    "size not a number": ("size=nan,nan", r"size must be of type int"),
    "size of a wall": ("size=100000,100000", r"an example must fit into memory"),
    "size beyond numbers": (f"size={_MANY},{_MANY}", r"an example must fit into memory"),
    "size of 5000 digits": ("split_seed=" + "9" * 5000, r"split_seed must be of type int"),
    "a part of a value": ("size.x=1", r"only a group of settings has a dotted part"),
    "parts of parts": ("split_seed.a.b=1", r"only a group of settings has a dotted part"),
    "slices reversed": ("slice_range=70,60", r"slice_range lies in 0\.\.155"),
    "slices outside": ("slice_range=0,1000", r"slice_range lies in 0\.\.155"),
    "slices below 0": ("slice_range=-5,10", r"slice_range lies in 0\.\.155"),
    "rows empty": ("row_range=5,5", r"row_range lies in 0\.\.240"),
    "stack even": ("stack_size=2", r"stack_size is odd"),
    "stack 0": ("stack_size=0", r"stack_size is odd"),
    "test share not a number": ("test_fraction=nan", r"test_fraction must be a finite number"),
    "test share infinite": ("test_fraction=inf", r"test_fraction must be a finite number"),
    "test share of all": ("test_fraction=1", r"leave some patients to train"),
    "test share below 0": ("test_fraction=-0.1", r"at least 0"),
    "fold below 0": ("test_fold=-1", r"test_fold numbers a share"),
    "fold beyond": ("test_fold=99", r"test_fold numbers a share"),
    "layout unknown": ("layout=foo", r"layout"),
    "form unknown": ("form=cubes", r"form must be one of slices, stacks, volumes"),
    "all brain": ("min_brain_fraction=1", r"min_brain_fraction lies in \[0, 1\)"),
    "brain not a number": ("min_brain_fraction=nan", r"min_brain_fraction must be a finite number"),
    "alias of nobody": ("aliases=A", r"alias"),
    "given split of nobody": ("splits=train", r"a given split is PATIENT=SPLIT"),
    "given split unknown": ("splits=P0000=exam", r"a split is one of train"),
}
_OF_TRAINING = {
    "learning rate not a number": ("training.learning_rate=nan", r"learning_rate must be a finite number"),
    "learning rate infinite": ("training.learning_rate=inf", r"learning_rate must be a finite number"),
    "learning rate below 0": ("training.learning_rate=-1", r"learning_rate must be positive"),
    "no batch": ("training.batch_size=0", r"batch_size must be positive"),
    "batch of words": ("training.batch_size=many", r"batch_size must be of type int"),
    "half a batch": ("training.batch_size=1.5", r"batch_size must be of type int"),
    "decay of 1": ("training.ema_decay=1", r"ema_decay lies in \[0, 1\)"),
    "checkpoints between logs": ("training.checkpoint_every=3", r"a multiple of log_every"),
    "clip not a number": ("training.gradient_clip=nan", r"gradient_clip must be a finite number"),
    "clip infinite": ("training.gradient_clip=inf", r"gradient_clip must be a finite number"),
    "clip below 0": ("training.gradient_clip=-1", r"gradient_clip must not be negative"),
    "group as a value": ("training=1", r"settings of TrainingSettings are an object"),
    "part of a step": ("training.steps.x=1", r"only a group of settings has a dotted part"),
    "augment not a number": ("training.augment.degrees=nan", r"finite number|augment"),
    "normalisation unknown": ("data.normalisation=loud", r"normalisation must be one of"),
    "means not numbers": ("data.means_in_range=nan", r"finite number|positive number a modality"),
    "means of 0": ("data.means_in_range=1,0", r"a positive number a modality"),
}
_OF_STAGES = {
    "structure": {
        "weight not a number": ("weights.mask=nan", r"weights.mask must be a finite number"),
        "weight infinite": ("weights.mask=inf", r"weights.mask must be a finite number"),
        "weight below 0": ("weights.mask=-1", r"a weight must not be negative.*weights.mask=-1"),
        "weight unknown": ("weights.beauty=1", r"unknown setting of StructureWeights"),
        "temperature 0": ("temperature=0", r"temperature must be positive"),
        "temperature infinite": ("temperature=inf", r"temperature must be a finite number"),
        "drawing unknown": ("drawing=foo", r"drawing must be one of lines, anatomy"),
        "no channels": ("vae.in_channels=0", r"in_channels must be positive"),
        "no filters": ("vae.base_filters=0", r"base_filters must be positive"),
        "filters below 0": ("vae.base_filters=-4", r"base_filters must be positive"),
        "no patch": ("vae.patch=0", r"patch must be at least 1"),
        "dropout not a number": ("vae.input_dropout=nan", r"input_dropout must be a finite number"),
        "dropout of 2": ("vae.input_dropout=2", r"input_dropout must be in \[0, 1\)"),
        "input scale not a number": ("vae.input_scale=nan,nan", r"input_scale must be a finite number"),
        "nothing hidden": ("code_discriminator.hidden=0", r"hidden layers have a positive width"),
        "no code": ("vae.latent_dim=0", r"latent_dim"),
        "no layers": ("vae.encoder_convolutions=", r"encoder_convolutions"),
        "levels without their noise": ("vae.decoder_levels=1,2", r"a spatial_noise stride must be a grid"),
        "spectral word": ("map_discriminator.spectral=maybe", r"spectral must be true or false"),
        "critic of no filters": ("map_discriminator.base_filters=0", r"base_filters must be positive"),
    },
    "lesion": {
        "weight below 0": ("weights.overlap=-0.5", r"a weight must not be negative"),
        "class weights too few": ("class_weights=1", r"class_weights has one weight a class"),
        "class weights not numbers": ("class_weights=nan,1,1,1,1", r"finite number"),
        "fold beyond": ("fold=1", r"fold must lie in \[0, folds\)"),
        "scheme unknown": ("scheme=all", r"scheme must be one of"),
        "no classes": ("segmentor.out_channels=0", r"out_channels must be positive"),
    },
    "translation": {
        "weight infinite": ("weights.cycle=inf", r"weights.cycle must be a finite number"),
        "weight below 0": ("weights.cycle=-20", r"a weight must not be negative"),
        "pairs unknown": ("pairs=two", r"pairs must be one of all, one"),
    },
    "multimodal": {
        "weight below 0": ("weights.registration=-20", r"a weight must not be negative"),
        "no maps": ("map_pool=0", r"map_pool must be positive"),
        "noise not a number": ("fusion.noise_low=nan", r"fusion.noise_low must be a finite number"),
        "labels nowhere": ("label_place=outside", r"label_place must be one of"),
    },
    "gan": {"weight not a number": ("weights.real=nan", r"weights.real must be a finite number")},
}
_OF_GENERATION = {
    "chunk 0": ("chunk=0", r"chunk must be at least 1"),
    "chunk of words": ("chunk=many", r"chunk must be of type int"),
    "no tries": ("label_tries=0", r"label_tries must be at least 1"),
    "shift not a number": ("registration_px=nan", r"registration_px must be a finite number"),
    "shift infinite": ("registration_px=inf", r"registration_px must be a finite number"),
    "shift 0": ("registration_px=0", r"registration_px must be positive"),
    "Dice above 1": ("lesion.whole_threshold=1.5", r"Dice score in \[0, 1\]"),
    "Dice not a number": ("lesion.whole_threshold=nan", r"finite number"),
    "class of no pixels": ("lesion.class_pixels=0", r"class_pixels must be at least 1"),
    "judged unmeasured": ("measure=false", r"filter judges what measure computes"),
    "false alarms of all": ("memorisation.false_alarm=1", r"false_alarm must lie in \[0, 1\)"),
    "contour infinite": ("contour.max_mae=inf", r"finite number"),
    "labels unknown": ("labels=free", r"labels must be one of"),
}
_NUMBERS = {
    "phantom: a billion patients": (
        ("phantom", "--patients", str(10**9), "--size", "32", "--out", "{here}/o"),
        r"the disk must have room.*needed_mib=\d+",
    ),
    "phantom: 3000 pixels": (
        ("phantom", "--patients", "1", "--size", "3000", "--out", "{here}/o"),
        r"a patient must fit into memory.*size=3000.*Ask for a smaller size",
    ),
    "phantom: too many pixels": (
        ("phantom", "--patients", "1", "--size", str(10**30), "--out", "{here}/o"),
        r"size lies in 32 \.\. 10000",
    ),
    "generate: no samples": (
        ("generate", "--from", "{model}", "--count", "0", "--out", "{here}/o"),
        r"count",
    ),
    "generate: seed below 0": (
        (*_GENERATE, "--seed", "-1"),
        r"seed lies in 0 \.\. 2\^32 - 1",
    ),
    "train: no steps": (("train", "lesion", *_TRAIN, "--steps", "0"), r"steps must be positive"),
    "train: seed below 0": (("train", "lesion", *_TRAIN, "--seed", "-1"), r"seed lies in 0"),
    "train: seed too large": (("train", "lesion", *_TRAIN, "--seed", str(2**32)), r"seed lies in 0"),
    "train: precision unknown": (("train", "lesion", *_TRAIN, "--precision", "float8"), r"precision"),
    "train: preset unknown": (("train", "lesion", *_TRAIN, "--preset", "huge"), r"preset"),
    "prepare: data set unknown": (("prepare", "mnist", *_PREPARE[2:]), r"brats"),
    "prepare: config unknown": (("prepare", "brats/absent", *_PREPARE[2:]), r"absent"),
    "prepare: config above": (("prepare", "brats/../../x", *_PREPARE[2:]), r"x"),
    "prepare: no workers": ((*_PREPARE, "--workers", "0"), r"workers"),
}

_OF_VERBS = [
    *(("prepare", _PREPARE, table) for table in (_OF_ANY, _OF_DATA)),
    *(
        (f"train {stage}", ("train", stage, *_TRAIN), table)
        for stage, table in [("translation", _OF_ANY), ("lesion", _OF_TRAINING), *_OF_STAGES.items()]
    ),
    ("generate", _GENERATE, _OF_GENERATION),
]
CASES = [
    *(
        Case(f"{what}: {name}", (*words, "--set", word), rule)
        for what, words, table in _OF_VERBS
        for name, (word, rule) in table.items()
    ),
    *(Case(name, words, rule) for name, (words, rule) in _NUMBERS.items()),
]
