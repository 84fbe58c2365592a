import pytest
from attrs import asdict

from llama_runner.catalog.facts import FileFacts
from tests.support.gguf_reading import facts
from tests.support.gguf_writer import Encoded, Writer


def test_the_numbers_of_the_models_own_architecture_are_taken():
    one = facts(
        general__architecture="qwen3",
        qwen3__attention__head_count=16,
        qwen3__attention__head_count_kv=[8, 4],
        qwen3__attention__key_length=128,
        qwen3__attention__sliding_window=1024,
        llama__context_length=1,
    )
    assert one.architecture == "qwen3"
    assert one.context_length == 2048
    assert one.head_counts == (16,)
    assert one.head_counts_kv == (8, 4)
    assert (one.key_length, one.value_length, one.sliding_window) == (128, None, 1024)
    assert one.weights == 32


@pytest.mark.parametrize("wrong", ["many", -5, True, 1.5, ["a"], [[1]]])
def test_a_value_of_a_wrong_type_counts_as_missing(wrong):
    one = facts(llama__context_length=wrong, llama__attention__head_count=wrong)
    assert one.context_length == 0
    assert one.head_counts == ()


def test_the_vocabulary_is_counted_however_long():
    writer = Writer()
    tokens = writer.pack("I", 8) + writer.length(3000) + writer.string("a") * 3000
    assert facts().vocabulary_size == 3
    assert facts(tokenizer__ggml__tokens=Encoded(9, tokens)).vocabulary_size == 3000
    assert facts(tokenizer__ggml__tokens=7, llama__vocab_size=99).vocabulary_size == 99


def test_of_a_projector_the_lengths_are_those_of_its_sight():
    one = facts(
        general__architecture="clip",
        clip__vision__image_size=336,
        clip__vision__patch_size=14,
        clip__vision__embedding_length=1024,
        clip__vision__feed_forward_length=4096,
        clip__audio__embedding_length=7,
    )
    assert one.image_patches == 24**2
    assert (one.embedding_length, one.feed_forward_length) == (1024, 4096)


@pytest.mark.parametrize("patch", [0, None, "x"])
def test_a_projector_need_not_say_how_it_cuts(patch):
    size = {} if patch is None else {"clip__vision__patch_size": patch}
    one = facts(general__architecture="clip", clip__vision__image_size=336, **size)
    assert one.image_patches == 0


@pytest.mark.parametrize(
    ("metadata", "images"),
    [
        ({}, True),
        ({"clip__has_vision_encoder": True, "clip__has_audio_encoder": True}, True),
        ({"clip__has_audio_encoder": True}, False),
        ({"clip__has_vision_encoder": False}, False),
    ],
)
def test_a_projector_for_sound_alone_is_known(metadata, images):
    assert facts(general__architecture="clip", **metadata).projects_images is images


def test_facts_survive_being_stored_and_refuse_to_be_bent():
    stored = asdict(facts(tokenizer__chat_template="hello"))
    stored["head_counts"] = list(stored["head_counts"])
    assert FileFacts(**stored) == facts(tokenizer__chat_template="hello")
    with pytest.raises(TypeError):
        FileFacts(**stored | {"context_length": "2048"})
    with pytest.raises(TypeError):
        FileFacts(**stored | {"invented": 1})
