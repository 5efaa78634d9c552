package dev.nightjar.engine.tokenizer;

import static dev.nightjar.engine.tokenizer.SmallTokenizers.JSON;
import static dev.nightjar.engine.tokenizer.SmallTokenizers.SPECIALS;
import static dev.nightjar.engine.tokenizer.SmallTokenizers.byteLevel;
import static dev.nightjar.engine.tokenizer.SmallTokenizers.metaspace;
import static dev.nightjar.engine.tokenizer.SmallTokenizers.node;
import static dev.nightjar.engine.tokenizer.SmallTokenizers.sentencePiece;
import static dev.nightjar.engine.tokenizer.SmallTokenizers.unigram;
import static dev.nightjar.engine.tokenizer.SmallTokenizers.withAdded;
import static dev.nightjar.engine.tokenizer.SmallTokenizers.withMergePairs;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Ours and Hugging Face's library must give the same ids and the same text on small tokenizers of
 * many shapes.
 */
class TestAgainstHuggingFace {
  private static final int NUM_TEXTS = 2_000;
  private static final String SPLIT = "{`type`:`Split`,`pattern`:%s,`behavior`:`%s`,`invert`:%s}";

  @TempDir static Path folder;

  enum Shape {
    EMBEDDED_MODEL {
      @Override
      ObjectNode json() {
        return withAdded(byteLevel(SmallTokenizers.EMBEDDED_REGEX), "s", SPECIALS);
      }
    },
    LLAMA3 {
      @Override
      ObjectNode json() {
        ObjectNode root = withAdded(byteLevel(SmallTokenizers.LLAMA3_REGEX), "s", SPECIALS);
        ((ObjectNode) root.get("model")).put("ignore_merges", true);
        int bos = root.at("/added_tokens/0/id").asInt();
        root.set(
            "post_processor",
            node(
                ("{`type`:`Sequence`,`processors`:[{`type`:`ByteLevel`,`add_prefix_space`:true,"
                        + "`trim_offsets`:false,`use_regex`:true},{`type`:`TemplateProcessing`,"
                        + "`single`:[{`SpecialToken`:{`id`:`<s>`,`type_id`:0}},"
                        + "{`Sequence`:{`id`:`A`,`type_id`:0}}],`pair`:[],`special_tokens`:"
                        + "{`<s>`:{`id`:`<s>`,`ids`:[%d],`tokens`:[`<s>`]}}}]}")
                    .formatted(bos)));
        return root;
      }
    },
    QWEN2 {
      @Override
      ObjectNode json() {
        ObjectNode root = withMergePairs(byteLevel(SmallTokenizers.QWEN2_REGEX));
        root.set("normalizer", node("{`type`:`NFC`}"));
        return withAdded(withAdded(root, "s", SPECIALS), "", List.of("<think>", "  \n"));
      }
    },
    CL100K {
      @Override
      ObjectNode json() {
        return withAdded(byteLevel(SmallTokenizers.CL100K_REGEX), "s", SPECIALS);
      }
    },
    O200K {
      @Override
      ObjectNode json() {
        return withAdded(byteLevel(SmallTokenizers.O200K_REGEX), "s", SPECIALS);
      }
    },
    GPT2 {
      @Override
      ObjectNode json() {
        ObjectNode root = byteLevel("x");
        root.set("pre_tokenizer", SmallTokenizers.byteLevelStep(false));
        return withAdded(root, "snlr", SPECIALS);
      }
    },
    GPT2_WITH_PREFIX_SPACE {
      @Override
      ObjectNode json() {
        ObjectNode root = byteLevel("x");
        root.set("pre_tokenizer", SmallTokenizers.byteLevelStep(true));
        return withAdded(withAdded(root, "sw", SPECIALS), "nw", List.of("the", "tion", " of"));
      }
    },
    DEEPSEEK {
      @Override
      ObjectNode json() {
        return sequence(
            byteLevel("x"),
            SPLIT.formatted("{`Regex`:`\\\\p{N}{1,3}`}", "Isolated", false),
            SPLIT.formatted("{`Regex`:`[一-龥぀-ゟ゠-ヿ]+`}", "Isolated", false),
            SPLIT.formatted(
                "{`Regex`:`[!#$%&'()*+,\\\\-./:;<=>?@\\\\[\\\\\\\\\\\\]^_{|}~][A-Za-z]+"
                    + "|[^\\r\\n\\\\p{L}\\\\p{P}\\\\p{S}]?[\\\\p{L}\\\\p{M}]+| ?[\\\\p{P}\\\\p{S}]+"
                    + "[\\r\\n]*|\\\\s*[\\r\\n]+|\\\\s+(?!\\\\S)|\\\\s+`}",
                "Isolated", false),
            "{`type`:`ByteLevel`,`add_prefix_space`:false,`use_regex`:false,`trim_offsets`:true}");
      }
    },
    STARCODER {
      @Override
      ObjectNode json() {
        return sequence(
            byteLevel("x"),
            "{`type`:`Digits`,`individual_digits`:true}",
            "{`type`:`ByteLevel`,`add_prefix_space`:false,`use_regex`:true,`trim_offsets`:true}");
      }
    },
    FALCON {
      @Override
      ObjectNode json() {
        return sequence(
            byteLevel("x"),
            "{`type`:`Punctuation`,`behavior`:`Contiguous`}",
            "{`type`:`ByteLevel`,`add_prefix_space`:false,`use_regex`:true,`trim_offsets`:true}",
            "{`type`:`Digits`,`individual_digits`:false}",
            SPLIT.formatted("{`Regex`:`[0-9][0-9][0-9]`}", "Isolated", false));
      }
    },
    WORD_CLASSES {
      @Override
      ObjectNode json() {
        return sequence(
            byteLevel("x"),
            SPLIT.formatted(
                "{`Regex`:`[[:alpha:]]+|\\\\d+|\\\\p{Greek}|\\\\p{^Latin}x|\\\\h{2}|\\\\W\\\\w`}",
                "Isolated", false),
            "{`type`:`ByteLevel`,`add_prefix_space`:false,`use_regex`:false,`trim_offsets`:true}");
      }
    },
    REMOVED {
      @Override
      ObjectNode json() {
        return split("Removed", false);
      }
    },
    MERGED_WITH_PREVIOUS {
      @Override
      ObjectNode json() {
        return split("MergedWithPrevious", false);
      }
    },
    MERGED_WITH_NEXT {
      @Override
      ObjectNode json() {
        return split("MergedWithNext", false);
      }
    },
    CONTIGUOUS {
      @Override
      ObjectNode json() {
        return split("Contiguous", false);
      }
    },
    INVERTED_ISOLATED {
      @Override
      ObjectNode json() {
        return split("Isolated", true);
      }
    },
    INVERTED_REMOVED {
      @Override
      ObjectNode json() {
        return split("Removed", true);
      }
    },
    INVERTED_MERGED_WITH_NEXT {
      @Override
      ObjectNode json() {
        return split("MergedWithNext", true);
      }
    },
    WHITESPACE_AND_PUNCTUATION {
      @Override
      ObjectNode json() {
        return sequence(
            byteLevel("x"), "{`type`:`Whitespace`}", "{`type`:`Punctuation`,`behavior`:`Removed`}");
      }
    },
    BERT_WORDS {
      @Override
      ObjectNode json() {
        ObjectNode root = sentencePiece(false);
        root.set("pre_tokenizer", node("{`type`:`BertPreTokenizer`}"));
        ((ObjectNode) root.get("model")).put("fuse_unk", false);
        return root;
      }
    },
    LLAMA2 {
      @Override
      ObjectNode json() {
        return normalized(
            withAdded(sentencePiece(true), "s", SPECIALS),
            "{`type`:`Prepend`,`prepend`:`▁`}",
            "{`type`:`Replace`,`pattern`:{`String`:` `},`content`:`▁`}");
      }
    },
    LLAMA2_NORMALIZED_SPECIALS {
      @Override
      ObjectNode json() {
        return normalized(
            withAdded(sentencePiece(true), "sn", List.of("<|im_start|>", "<|im_end|>")),
            "{`type`:`Prepend`,`prepend`:`▁`}",
            "{`type`:`Replace`,`pattern`:{`String`:` `},`content`:`▁`}");
      }
    },
    GEMMA {
      @Override
      ObjectNode json() {
        ObjectNode root = sentencePiece(true);
        root.set("normalizer", node("{`type`:`Replace`,`pattern`:{`String`:` `},`content`:`▁`}"));
        root.set(
            "pre_tokenizer", node(SPLIT.formatted("{`String`:` `}", "MergedWithPrevious", false)));
        root.set(
            "decoder",
            node(
                "{`type`:`Sequence`,`decoders`:[{`type`:`Replace`,`pattern`:{`String`:`▁`},"
                    + "`content`:` `},{`type`:`ByteFallback`},{`type`:`Fuse`}]}"));
        return withAdded(withAdded(root, "s", SPECIALS), "", List.of("\n\n", "▁▁▁", "<b>"));
      }
    },
    METASPACE_FIRST {
      @Override
      ObjectNode json() {
        ObjectNode root = sentencePiece(true);
        root.set("pre_tokenizer", metaspace("first", false));
        root.set("decoder", metaspace("first", false));
        return withAdded(root, "s", SPECIALS);
      }
    },
    METASPACE_ALWAYS_SPLIT {
      @Override
      ObjectNode json() {
        ObjectNode root = sentencePiece(false);
        root.set("pre_tokenizer", metaspace("always", true));
        return withAdded(root, "sr", SPECIALS);
      }
    },
    METASPACE_NEVER {
      @Override
      ObjectNode json() {
        ObjectNode root = sentencePiece(true);
        root.set("pre_tokenizer", metaspace("never", true));
        root.set("decoder", metaspace("never", true));
        return withAdded(root, "s", SPECIALS);
      }
    },
    UNKNOWN_NOT_FUSED {
      @Override
      ObjectNode json() {
        ObjectNode root = sentencePiece(false);
        ((ObjectNode) root.get("model")).put("fuse_unk", false);
        return root;
      }
    },
    WORD_SUFFIX {
      @Override
      ObjectNode json() {
        ObjectNode root = sentencePiece(false);
        ObjectNode model = (ObjectNode) root.get("model");
        model.put("end_of_word_suffix", "</w>");
        ObjectNode vocab = (ObjectNode) model.get("vocab");
        for (String token : List.of("e</w>", "d</w>", "he</w>", "the</w>", "s</w>")) {
          vocab.put(token, vocab.size());
        }
        model.withArray("merges").insert(0, "h e</w>").insert(1, "t he</w>");
        root.set("pre_tokenizer", node("{`type`:`WhitespaceSplit`}"));
        return root;
      }
    },
    UNIGRAM {
      @Override
      ObjectNode json() {
        return withAdded(unigram(false), "s", SPECIALS);
      }
    },
    UNIGRAM_BYTE_FALLBACK {
      @Override
      ObjectNode json() {
        return withAdded(unigram(true), "s", SPECIALS);
      }
    },
    NORMALIZERS {
      @Override
      ObjectNode json() {
        return normalized(
            withAdded(byteLevel(SmallTokenizers.LLAMA3_REGEX), "sn", SPECIALS),
            "{`type`:`NFKC`}",
            "{`type`:`Lowercase`}",
            "{`type`:`NFD`}",
            "{`type`:`StripAccents`}",
            "{`type`:`Nmt`}",
            "{`type`:`Replace`,`pattern`:{`Regex`:` {2,}`},`content`:` `}",
            "{`type`:`Strip`,`strip_left`:true,`strip_right`:true}");
      }
    };

    abstract ObjectNode json();

    private static ObjectNode sequence(ObjectNode root, String... steps) {
      ObjectNode sequence = node("{`type`:`Sequence`,`pretokenizers`:[]}");
      for (String step : steps) {
        sequence.withArray("pretokenizers").add(node(step));
      }
      root.set("pre_tokenizer", sequence);
      return withAdded(root, "s", SPECIALS);
    }

    private static ObjectNode split(String behavior, boolean invert) {
      return sequence(
          byteLevel("x"),
          SPLIT.formatted("{`Regex`:`[aeiou ]|\\\\d`}", behavior, invert),
          "{`type`:`ByteLevel`,`add_prefix_space`:false,`use_regex`:false,`trim_offsets`:true}");
    }

    private static ObjectNode normalized(ObjectNode root, String... steps) {
      ObjectNode sequence = node("{`type`:`Sequence`,`normalizers`:[]}");
      for (String step : steps) {
        sequence.withArray("normalizers").add(node(step));
      }
      root.set("normalizer", sequence);
      return root;
    }
  }

  @ParameterizedTest
  @EnumSource(Shape.class)
  void encodesAndDecodesTheSame(Shape shape) throws IOException {
    ObjectNode json = shape.json();
    Path file = folder.resolve(shape + ".json");
    Files.writeString(file, JSON.writeValueAsString(json));
    Tokenizer ours = Tokenizers.fromJson(json, MissingNode.getInstance());
    List<String> added = new ArrayList<>(SPECIALS);
    json.get("added_tokens").forEach(token -> added.add(token.get("content").asText()));
    RandomText texts = new RandomText(new SplittableRandom(1), added);
    boolean decodes =
        json.get("decoder").toString().contains("ByteLevel")
            || shape == Shape.LLAMA2
            || shape == Shape.GEMMA
            || shape == Shape.METASPACE_NEVER;
    try (Oracle oracle = Oracle.of(file, folder)) {
      for (int i = 0; i < NUM_TEXTS; i++) {
        String text = i == 0 ? "" : texts.next();
        int[] expected = oracle.encode(text);
        assertThat(ours.encodeWithSpecialTokens(text))
            .as("text %d: \"%s\"", i, text)
            .isEqualTo(expected);
        if (decodes) {
          assertThat(decode(ours, expected))
              .as("decoded text %d: \"%s\"", i, text)
              .isEqualTo(oracle.decode(expected));
        }
      }
      int[] withBos = oracle.encodeWithProcessor("");
      assertThat(ours.bosToAdd()).isEqualTo(withBos.length == 0 ? -1 : withBos[0]);
    }
  }

  @Test
  void embeddedModelEncodesAndDecodesTheSame() throws IOException {
    Path file = folder.resolve("embedded.json");
    try (InputStream in =
        TestAgainstHuggingFace.class.getResourceAsStream(
            "/dev/nightjar/models/triage/tokenizer.json")) {
      Files.copy(in, file);
    }
    Tokenizer ours = Tokenizers.fromJson(JSON.readTree(file.toFile()), MissingNode.getInstance());
    List<String> texts = new OracleTexts(3, ours, ours.specialTokens()).make(0);
    try (Oracle oracle = Oracle.of(file, folder)) {
      for (int i = 0; i < texts.size(); i += 5) {
        int[] expected = oracle.encode(texts.get(i));
        assertThat(ours.encodeWithSpecialTokens(texts.get(i))).isEqualTo(expected);
        assertThat(decode(ours, expected)).isEqualTo(oracle.decode(expected));
      }
    }
  }

  static String decode(Tokenizer tokenizer, int[] ids) {
    TextAssembler assembler = new TextAssembler(tokenizer);
    StringBuilder text = new StringBuilder();
    for (int id : ids) {
      text.append(assembler.add(id));
    }
    text.append(assembler.finish());
    assertThat(assembler.text()).isEqualTo(text.toString());
    return text.toString();
  }
}
