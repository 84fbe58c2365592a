"""The words of the models that talk: all bytes, and what chats are made of."""

from __future__ import annotations

from string import ascii_lowercase

from gguf import GGUFWriter, TokenType

_PLAIN = (*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100))
_MERGES = ("h e", "l l")
_TURNS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
_MARKS = ("<think>", "</think>", "<tool_call>", "</tool_call>")


def _byte_names() -> tuple[str, ...]:
    """Return the name of each byte, as GPT-2's tokeniser has it (``bytes_to_unicode``)."""
    others = [byte for byte in range(256) if byte not in _PLAIN]
    named = {byte: chr(256 + place) for place, byte in enumerate(others)}
    return tuple(named.get(byte, chr(byte)) for byte in range(256))


_BYTES = _byte_names()
_MERGED = tuple(merge.replace(" ", "") for merge in _MERGES)
_ORDINARY = (*_BYTES, *_MERGED)
TOKENS = (*_ORDINARY, *_TURNS, *_MARKS)
SPOKEN = tuple(TOKENS.index(_BYTES[ord(letter)]) for letter in f"{ascii_lowercase} ")
"""The tokens that a model whose weights are noise may say, so that it says a text."""


def add_words(writer: GGUFWriter, template: str | None) -> None:
    """Add the vocabulary, and the template that a chat goes through."""
    kinds = [TokenType.NORMAL] * len(_ORDINARY)
    kinds += [TokenType.CONTROL] * len(_TURNS) + [TokenType.USER_DEFINED] * len(_MARKS)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(TOKENS)
    writer.add_token_types(kinds)
    writer.add_token_merges(_MERGES)
    writer.add_bos_token_id(TOKENS.index("<|endoftext|>"))
    writer.add_eos_token_id(TOKENS.index("<|im_end|>"))
    writer.add_add_bos_token(False)
    if template is not None:
        writer.add_chat_template(template)
