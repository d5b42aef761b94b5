# Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The tokenizer of uncased BERT models: lower case, no accents, words and punctuation, then WordPiece."""

import unicodedata

LONGEST_WORD = 100


def is_punctuation(character):
    ascii_symbol = character.isascii() and character.isprintable() and not character.isalnum() and character != " "
    return ascii_symbol or unicodedata.category(character).startswith("P")


def split_words(text):
    """Words in lower case without accents; each punctuation mark is a word of its own."""
    words = []
    for part in unicodedata.normalize("NFD", text.lower()).split():
        start_new = True
        for character in part:
            if unicodedata.category(character) in ("Mn", "Cc", "Cf"):
                continue
            if start_new or is_punctuation(character):
                words.append("")
            words[-1] += character
            start_new = is_punctuation(character)
    return words


class Tokenizer:
    def __init__(self, vocabulary_path):
        lines = vocabulary_path.read_text(encoding="utf-8").splitlines()
        self.ids = {piece: number for number, piece in enumerate(lines)}

    def split_pieces(self, word):
        """The longest piece of the vocabulary that begins the word, then likewise for the rest."""
        pieces, start = [], 0
        while start < len(word):
            prefix = "##" if start else ""
            ends = range(len(word), start, -1)
            end = next((end for end in ends if prefix + word[start:end] in self.ids), None)
            if end is None or len(word) > LONGEST_WORD:
                return ["[UNK]"]
            pieces.append(prefix + word[start:end])
            start = end
        return pieces

    def encode(self, text):
        """Token ids, with [CLS] before and [SEP] behind."""
        pieces = [piece for word in split_words(text) for piece in self.split_pieces(word)]
        return [self.ids[piece] for piece in ("[CLS]", *pieces, "[SEP]")]
