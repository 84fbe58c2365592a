import pytest

from llama_runner.catalog.card import ModelKind, capabilities_of, kind_of, why_not_served
from llama_runner.catalog.facts import facts_of
from tests.support.gguf_reading import facts, header_of
from tests.support.gguf_writer import encode_gguf, model_metadata


@pytest.mark.parametrize(
    ("metadata", "kind"),
    [
        ({}, ModelKind.CHAT),
        ({"llama__pooling_type": 0}, ModelKind.CHAT),
        ({"llama__pooling_type": 3}, ModelKind.EMBEDDING),
        ({"llama__pooling_type": 4}, ModelKind.RERANK),
        ({"general__architecture": "nomic-bert"}, ModelKind.EMBEDDING),
        ({"general__architecture": "bert", "bert__pooling_type": 4}, ModelKind.RERANK),
        ({"general__architecture": "gemma-embedding"}, ModelKind.EMBEDDING),
        ({"general__architecture": "clip"}, ModelKind.PROJECTOR),
        ({"general__type": "mmproj"}, ModelKind.PROJECTOR),
        ({"general__type": "adapter"}, ModelKind.OTHER),
        ({"adapter__type": "lora"}, ModelKind.OTHER),
        ({"imatrix__chunk_count": 9}, ModelKind.OTHER),
        ({"general__architecture": ""}, ModelKind.OTHER),
    ],
)
def test_the_header_tells_what_a_file_is(metadata, kind):
    assert kind_of(facts(**metadata), "model") is kind


def test_what_cannot_be_served_says_why():
    picture = facts_of(header_of(encode_gguf({"general.architecture": "flux"})))
    words = facts_of(header_of(encode_gguf(model_metadata(), tensors=())))
    assert why_not_served(picture, "flux1") == (
        "it has no tokenizer, so it is no language model (flux)"
    )
    assert why_not_served(words, "vocab") == "it holds a vocabulary but no weights"
    assert "draft" in (why_not_served(facts(), "MTP-Qwen3-27B") or "")
    assert why_not_served(facts(), "model") is None


@pytest.mark.parametrize(
    ("template", "more"),
    [
        (None, set()),
        ("{{ messages }}", {"chat"}),
        ("{% if tools %}", {"chat", "tools"}),
        ("{{ message.tool_calls }}", {"chat", "tools"}),
        ("toolset", {"chat"}),
        ("<think>\n", {"chat", "thinking"}),
        ("{% if enable_thinking %}{{ tools }}", {"chat", "thinking", "tools"}),
    ],
)
def test_the_chat_template_tells_what_a_model_can_do(template, more):
    metadata = {} if template is None else {"tokenizer__chat_template": template}
    can = capabilities_of(facts(**metadata), ModelKind.CHAT, sees=False)
    assert can == {"completion", *more}


def test_other_capabilities_come_from_elsewhere():
    tooled = facts(tokenizer__chat_template="x", tokenizer__chat_template__tool_use="y")
    assert "tools" in capabilities_of(tooled, ModelKind.CHAT, sees=False)
    assert "vision" in capabilities_of(facts(), ModelKind.CHAT, sees=True)
    assert capabilities_of(facts(), ModelKind.EMBEDDING, sees=False) == {"embedding"}
    assert capabilities_of(facts(), ModelKind.RERANK, sees=False) == frozenset()
