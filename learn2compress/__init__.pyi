# What type checkers read of `__init__.py`, whose names are imported when they are first used.
from learn2compress.compression.compress import compress as compress
from learn2compress.compression.family import Family as Family
from learn2compress.compression.preparation import Compression as Compression
from learn2compress.compression.preparation import prepare as prepare
from learn2compress.compression.steps import evaluate as evaluate
from learn2compress.compression.steps import prune as prune
from learn2compress.compression.steps import quantize as quantize
from learn2compress.compression.steps import select as select
from learn2compress.compression.steps import train_jointly as train_jointly
from learn2compress.compression.students import MeasuredStudent as MeasuredStudent
from learn2compress.compression.students import StudentFile as StudentFile
from learn2compress.compression.students import TrainedStudent as TrainedStudent
from learn2compress.config.parsing import ConfigError as ConfigError

__version__: str
