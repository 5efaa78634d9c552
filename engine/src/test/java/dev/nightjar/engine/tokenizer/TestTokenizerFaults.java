package dev.nightjar.engine.tokenizer;

import static dev.nightjar.engine.tokenizer.SmallTokenizers.node;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Descriptions that are wrong: an error that says so, never anything else. */
class TestTokenizerFaults {
  private static final int NUM_MUTATIONS = 1_500;

  @ParameterizedTest
  @CsvSource(
      delimiter = '!',
      quoteCharacter = '^',
      value = {
        "/model ! type ! `WordPiece` ! expected BPE or Unigram",
        "/model ! vocab ! {} ! has 0 tokens",
        "/model ! vocab ! {`a`:-1} ! expected a token id",
        "/model ! vocab ! {`a`:2000000000} ! expected a token id",
        "/model ! vocab ! {`a`:4000000} ! but there are only 1 tokens",
        "/model ! vocab ! {`a`:0,`b`:0} ! have the same id 0",
        "/model ! vocab ! {`a`:`x`} ! expected a token id",
        "/model ! merges ! [`ab`] ! two tokens with a space between them",
        "/model ! merges ! [`a zz`] ! not in the vocabulary",
        "/model ! merges ! [[`a`]] ! expected a pair of tokens",
        "/model ! merges ! 5 ! expected an array",
        "/model ! unk_token ! `nope` ! not in the vocabulary",
        "/model ! dropout ! 0.1 ! must be reproducible",
        "/model ! byte_fallback ! 1 ! expected true or false",
        " ! added_tokens ! [{`id`:-5,`content`:`zz`}] ! expected a token id",
        " ! added_tokens ! [{`id`:4000000,`content`:`zz`}] ! there are only",
        " ! added_tokens ! [{`id`:1,`content`:`zz`}] ! which is that of",
        " ! added_tokens ! {} ! expected an array",
        " ! normalizer ! {`type`:`Foo`} ! normalizer.type is \"Foo\"",
        " ! normalizer ! {`type`:`Precompiled`,`precompiled_charsmap`:`AAAA`} !"
            + " precompiled_charsmap",
        " ! pre_tokenizer ! {`type`:`Foo`} ! pre_tokenizer.type is \"Foo\"",
        " ! pre_tokenizer ! {`type`:`Split`,`pattern`:{`Regex`:`(`},`behavior`:`Isolated`} !"
            + " malformed",
        " ! pre_tokenizer ! {`type`:`Split`,`pattern`:{`Regex`:`(a)\\\\1`},`behavior`:`Isolated`} !"
            + " back references",
        " ! pre_tokenizer ! {`type`:`Split`,`pattern`:{},`behavior`:`Isolated`} ! a String or a"
            + " Regex",
        " ! pre_tokenizer ! {`type`:`Split`,`pattern`:{`String`:`a`},`behavior`:`x`} ! expected"
            + " Removed",
        " ! pre_tokenizer ! {`type`:`Metaspace`,`replacement`:``} ! one character",
        " ! decoder ! {`type`:`CTC`} ! decoder.type is \"CTC\"",
        " ! decoder ! {`type`:`Strip`,`content`:` `,`start`:1,`stop`:0} ! behind a Fuse",
        " ! post_processor ! {`type`:`Foo`} ! post_processor.type is \"Foo\"",
        " ! post_processor ! {`type`:`RobertaProcessing`,`cls`:[`<s>`,99999]} ! which does not"
            + " exist"
      })
  void faultsSayWhatIsWrong(String parent, String field, String json, String expected) {
    ObjectNode root = SmallTokenizers.byteLevel(SmallTokenizers.EMBEDDED_REGEX);
    ObjectNode target = (ObjectNode) root.at(parent == null ? "" : parent);
    target.set(field, node("{`x`:" + json + "}").get("x"));
    assertThatThrownBy(() -> Tokenizers.fromJson(root, MissingNode.getInstance()))
        .isInstanceOfSatisfying(
            EngineException.class,
            e -> {
              assertThat(e.code()).isEqualTo(ErrorCode.INVALID_TOKENIZER);
              assertThat(e.getMessage()).contains(expected);
            });
  }

  @Test
  void mutatedDescriptionsGiveATokenizerOrAnError() {
    List<ObjectNode> originals = new ArrayList<>();
    for (TestAgainstHuggingFace.Shape shape : TestAgainstHuggingFace.Shape.values()) {
      ObjectNode original = shrunk(shape.json());
      Tokenizers.fromJson(original, MissingNode.getInstance());
      originals.add(original);
    }
    SplittableRandom random = new SplittableRandom(12);
    int built = 0;
    for (int i = 0; i < NUM_MUTATIONS; i++) {
      ObjectNode mutated = originals.get(random.nextInt(originals.size())).deepCopy();
      for (int n = random.nextInt(1, 4); n > 0; n--) {
        mutate(mutated, random);
      }
      try {
        Tokenizer tokenizer = Tokenizers.fromJson(mutated, MissingNode.getInstance());
        built++;
        for (int id : tokenizer.encodeWithSpecialTokens("The fox's 123 é🙂 <s>\n\n")) {
          tokenizer.tokenBytes(id, true);
        }
      } catch (EngineException e) {
        assertThat(e.code())
            .as("%d: %s", i, e)
            .isIn(ErrorCode.INVALID_TOKENIZER, ErrorCode.INVALID_PROMPT);
      }
    }
    assertThat(built).isBetween(100, NUM_MUTATIONS - 100);
  }

  /** The description with few merges, so that mutations hit everything else too. */
  private static ObjectNode shrunk(ObjectNode root) {
    if (root.at("/model/merges") instanceof ArrayNode merges) {
      while (merges.size() > 20) {
        merges.remove(merges.size() - 1);
      }
    }
    return root;
  }

  /** Walks down at random and changes, removes or copies what it finds. */
  private static void mutate(JsonNode root, SplittableRandom random) {
    JsonNode parent = root;
    for (int depth = 0; depth < 8; depth++) {
      JsonNode child = child(parent, random.nextInt(Math.max(1, parent.size())));
      if (child == null || !child.isContainerNode() || child.isEmpty() || random.nextInt(4) == 0) {
        break;
      }
      parent = child;
    }
    if (parent.isEmpty()) {
      return;
    }
    int index = random.nextInt(parent.size());
    JsonNode old = child(parent, index);
    JsonNode value = value(old, random);
    if (parent instanceof ArrayNode array) {
      if (random.nextInt(5) == 0) {
        array.remove(index);
      } else {
        array.set(index, value);
      }
    } else if (parent instanceof ObjectNode object) {
      List<String> names = new ArrayList<>();
      object.fieldNames().forEachRemaining(names::add);
      if (random.nextInt(5) == 0) {
        object.remove(names.get(index));
      } else {
        object.set(names.get(index), value);
      }
    }
  }

  private static JsonNode child(JsonNode parent, int index) {
    if (parent.isArray()) {
      return parent.get(index);
    }
    int i = 0;
    for (JsonNode child : parent) {
      if (i++ == index) {
        return child;
      }
    }
    return null;
  }

  private static JsonNode value(JsonNode old, SplittableRandom random) {
    JsonNodeFactory nodes = JsonNodeFactory.instance;
    return switch (random.nextInt(14)) {
      case 0 -> nodes.nullNode();
      case 1 -> nodes.numberNode(-1);
      case 2 -> nodes.numberNode(Integer.MAX_VALUE);
      case 3 -> nodes.numberNode(Long.MAX_VALUE);
      case 4 -> nodes.numberNode(random.nextInt(2_000));
      case 5 -> nodes.numberNode(Double.NaN);
      case 6 -> nodes.textNode("");
      case 7 -> nodes.textNode("Sequence");
      case 8 -> nodes.textNode("(a+)+[^\\p{X");
      case 9 -> nodes.textNode("\uD800x y z");
      case 10 -> nodes.arrayNode();
      case 11 -> nodes.objectNode();
      case 12 -> nodes.booleanNode(random.nextBoolean());
      default -> nodes.arrayNode().add(old.deepCopy()).add(old.deepCopy());
    };
  }
}
