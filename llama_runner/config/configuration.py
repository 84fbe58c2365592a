"""Both configuration files as one value."""

from __future__ import annotations

from attrs import field, frozen

from llama_runner.config.app import AppConfig
from llama_runner.config.models import ModelsConfig


@frozen
class Configuration:
    """One whole, valid configuration."""

    app: AppConfig = field(factory=AppConfig)
    models: ModelsConfig = field(factory=ModelsConfig)
