from pathlib import Path

from llama_runner.catalog.assembly import assemble
from llama_runner.catalog.card import ModelKind, Projector
from llama_runner.catalog.facts import FileFacts
from llama_runner.catalog.found_file import FoundFile
from tests.support.gguf_reading import facts, found


def test_a_card_says_what_header_and_file_system_tell():
    first = found("Big-Q8_0-00001-of-00002.gguf", "someone", "Big-GGUF", size=70)
    second = found("Big-Q8_0-00002-of-00002.gguf", "someone", "Big-GGUF", size=30)
    metadata = {"general__name": "Big one", "tokenizer__chat_template": "{{ tools }}"}
    result = assemble({second: facts(), first: facts(**metadata)})
    (card,) = result.cards
    assert card.path == first.path
    assert card.shards == (first.path, second.path)
    assert card.folders == ("someone", "Big-GGUF")
    assert card.size == 100
    assert card.parameters == 64
    assert card.name == "Big one"
    assert card.quantization == "Q8_0"
    assert card.kind is ModelKind.CHAT
    assert card.capabilities == {"completion", "chat", "tools"}
    assert (card.context_length, card.embedding_length, card.block_count) == (2048, 64, 2)
    assert (card.head_count, card.head_count_kv, card.vocabulary_size) == (4, 4, 3)
    assert not result.passed_over


def test_counts_that_differ_by_layer_are_kept_by_layer():
    uneven = facts(llama__attention__head_count_kv=[8, 0, 8])
    even = facts(llama__attention__head_count_kv=[8, 8])
    none = facts(llama__attention__head_count="?", general__parameter_count=7)
    files = [found(f"{name}.gguf") for name in "abc"]
    cards = assemble(dict(zip(files, (uneven, even, none), strict=True))).cards
    assert [card.head_count_kv for card in cards] == [(8, 0, 8), 8, 0]
    assert cards[2].parameters == 7


def test_a_projector_gives_sight_to_its_model():
    projector = found("mmproj-F16.gguf", "vision")
    findings = {
        projector: facts(
            general__architecture="clip",
            clip__vision__image_size=28,
            clip__vision__patch_size=14,
            clip__vision__embedding_length=32,
            clip__vision__feed_forward_length=48,
        ),
        found("seer.gguf", "vision"): facts(),
        found("blind.gguf", "text"): facts(),
    }
    blind, seer = assemble(findings).cards
    assert seer.mmproj == projector.path
    assert seer.projector == Projector(patches=4, embedding_length=32, feed_forward_length=48)
    assert blind.projector is None
    assert "vision" in seer.capabilities
    assert blind.mmproj is None
    assert "vision" not in blind.capabilities
    assert not assemble(findings).passed_over


def test_a_projector_for_sound_gives_no_sight():
    findings = {
        found("mmproj.gguf"): facts(general__architecture="clip", clip__has_audio_encoder=True),
        found("listener.gguf"): facts(),
    }
    (card,) = assemble(findings).cards
    assert card.mmproj is not None
    assert "vision" not in card.capabilities


def test_everything_else_is_passed_over_with_its_reason_in_order_of_path():
    findings: dict[FoundFile, FileFacts | str] = {
        found("vector.gguf"): facts(adapter__type="lora"),
        found("matrix.gguf"): facts(general__type="imatrix"),
        found("mmproj.gguf"): facts(general__architecture="clip"),
        found("broken.gguf"): "it is empty",
    }
    result = assemble(findings)
    assert not result.cards
    assert [(Path(passed.path).name, passed.reason) for passed in result.passed_over] == [
        ("broken.gguf", "it is empty"),
        ("matrix.gguf", "it is an importance matrix, not a model"),
        ("mmproj.gguf", "it is a projector that no model here uses"),
        ("vector.gguf", "it is a LoRA adapter, not a model"),
    ]
