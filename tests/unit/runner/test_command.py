from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from llama_runner import embedded
from llama_runner.catalog.card import ModelKind
from llama_runner.config.models import ModelConfig
from llama_runner.errors import StartFailed
from llama_runner.runner.command import LONGEST_COMMAND_LINE, build_command, build_launch
from llama_runner.runner.engine import Engine, EngineKind
from tests.support.model_cards import model_card

REAL = Engine(("/opt/llama-server",), EngineKind.LLAMA_SERVER, "llama-server", "")
EMBEDDED = Engine(("python", "-m", "x"), EngineKind.EMBEDDED, "embedded", "")
EMBEDDING = model_card(kind=ModelKind.EMBEDDING, context_length=512, pooling=1)
RERANK = model_card(kind=ModelKind.RERANK, context_length=512, pooling=4)
SEEING = model_card(mmproj=Path("mmproj.gguf"))


def command(card=None, engine=REAL, mmproj=None, key="plain", **parameters: Any):
    named = {name.replace("_", "-"): value for name, value in parameters.items()}
    config = ModelConfig(parameters=named, mmproj=mmproj)
    return build_command(engine, key, card or model_card(), config, port=4321)


def value(words: tuple[str, ...], flag: str) -> str:
    assert words.count(flag) == 1, f"{flag} is there {words.count(flag)} times"
    return words[words.index(flag) + 1]


def test_every_flag_that_matters_is_said():
    words = command()
    assert words == (
        *("/opt/llama-server", "--model", str(model_card().path), "--alias", "plain"),
        *("--host", "127.0.0.1", "--port", "4321"),
        *("--no-ui", "--offline", "--no-agent", "--slots"),
        *("--sse-ping-interval", "-1", "--parallel", "2", "--ctx-size", "16384"),
        *(
            "--no-kv-unified",
            "--cache-ram",
            "0",
            "--no-cache-idle-slots",
            "--fit",
            "off",
            "--no-context-shift",
            "--jinja",
        ),
        *("--batch-size", "128", "--ubatch-size", "128"),
    )


def test_the_key_is_never_on_the_command_line():
    launch = build_launch(
        REAL, "plain", model_card(), ModelConfig(), port=1, inherited={"PATH": "/bin"}
    )
    assert launch.environment["LLAMA_API_KEY"] == launch.api_key
    assert len(launch.api_key) >= 32
    assert not any(launch.api_key in word for word in launch.command)
    assert launch.api_key not in repr(launch)


def test_slots_are_saved_only_where_a_folder_is_given(tmp_path):
    for folder, expected in ((tmp_path, [str(tmp_path)]), (None, [])):
        launch = build_launch(
            REAL, "m", model_card(), ModelConfig(), port=1, inherited={}, slot_folder=folder
        )
        pairs = zip(launch.command, launch.command[1:], strict=False)
        assert [value for flag, value in pairs if flag == "--slot-save-path"] == expected


def test_every_launch_has_a_key_of_its_own():
    keys = {
        build_launch(REAL, "m", model_card(), ModelConfig(), port=1, inherited={}).api_key
        for _ in range(3)
    }
    assert len(keys) == 3


def test_a_launch_knows_what_was_asked_for():
    config = ModelConfig(parameters={"parallel": 3, "ctx-size": 3000})
    launch = build_launch(
        REAL, "m", model_card(), config, port=7, inherited=os.environ, ready_within=9
    )
    assert (launch.slots, launch.context_length, launch.port) == (3, 3000, 7)
    assert (launch.name, launch.ready_within) == ("m", 9)
    assert launch.endpoint == "http://127.0.0.1:7"


def test_what_the_engine_itself_needs_is_in_its_environment():
    engine = Engine((), EngineKind.EMBEDDED, "", "", environment={"PYTHONPATH": "/here"})
    launch = build_launch(engine, "m", model_card(), ModelConfig(), port=1, inherited={})
    assert launch.environment["PYTHONPATH"] == "/here"


@pytest.mark.parametrize(
    ("trained", "expected"), [(2048, 4096), (8192, 16384), (131072, 16384), (0, 8192)]
)
def test_a_slot_gets_the_trained_context_within_reason(trained, expected):
    words = command(model_card(context_length=trained))
    assert value(words, "--ctx-size") == str(expected)


def test_more_slots_mean_more_context_in_all():
    words = command(parallel=4)
    assert value(words, "--parallel") == "4"
    assert value(words, "--ctx-size") == "32768"


def test_what_was_chosen_replaces_the_default_of_the_same_name():
    words = command(ctx_size=1024, cache_ram=512, fit=True, context_shift=True, threads=3)
    assert value(words, "--ctx-size") == "1024"
    assert value(words, "--cache-ram") == "512"
    assert value(words, "--fit") == "on"
    assert "--context-shift" in words
    assert "--no-context-shift" not in words
    assert value(words, "--threads") == "3"


def test_a_large_chosen_batch_is_computed_in_parts():
    words = command(batch_size=2048)
    assert value(words, "--batch-size") == "2048"
    assert value(words, "--ubatch-size") == "512"


def test_an_embedding_model_takes_any_input_in_one_batch():
    words = command(EMBEDDING)
    assert "--embedding" in words
    assert value(words, "--pooling") == "mean"
    assert value(words, "--ctx-size") == "1024"
    assert value(words, "--batch-size") == value(words, "--ubatch-size") == "512"


def test_a_batch_to_embed_follows_the_chosen_context():
    assert value(command(EMBEDDING, ctx_size=4096), "--ubatch-size") == "2048"
    assert value(command(EMBEDDING, ctx_size=0), "--ubatch-size") == "512"


def test_a_chat_model_can_be_made_to_embed():
    words = command(embedding=True, pooling="last", ctx_size=4096)
    assert "--embedding" in words
    assert value(words, "--ubatch-size") == "2048"


def test_a_rerank_model_reranks():
    words = command(RERANK)
    assert "--rerank" in words
    assert "--embedding" not in words


def test_the_projector_beside_a_model_is_taken_unless_another_or_none_is_named():
    assert value(command(SEEING), "--mmproj") == "mmproj.gguf"
    assert value(command(SEEING, mmproj="other.gguf"), "--mmproj") == "other.gguf"
    assert "--mmproj" not in command(SEEING, mmproj="")


def test_a_comma_in_a_key_does_not_make_two_names():
    assert value(command(key="a,b"), "--alias") == "a_b"


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("parallel", 0),
        ("parallel", -1),
        ("parallel", "many"),
        ("parallel", True),
        ("parallel", 1.5),
        ("ctx_size", -5),
        ("ctx_size", float("inf")),
        ("batch_size", 0),
    ],
)
def test_a_number_that_cannot_be_is_refused_by_name(name, wrong):
    with pytest.raises(StartFailed, match=f"parameters.{name.replace('_', '-')}: expected a whole"):
        command(**{name: wrong})


def test_a_command_line_that_windows_could_not_take_is_refused_everywhere():
    with pytest.raises(StartFailed, match="--chat-template is the longest"):
        command(chat_template="x" * LONGEST_COMMAND_LINE)


def test_the_embedded_engine_names_every_parameter_that_it_does_not_take():
    with pytest.raises(StartFailed, match="does not take lora, rpc;"):
        command(engine=EMBEDDED, rpc="host:1", lora="x.gguf", threads=2)


@pytest.mark.parametrize("card", [model_card(), EMBEDDING, RERANK, SEEING], ids=lambda c: c.kind)
def test_the_embedded_engine_understands_every_command_we_make(card):
    given = embedded.parse(command(card, EMBEDDED)[len(EMBEDDED.command) :])
    assert ("--alias", "plain") in given
