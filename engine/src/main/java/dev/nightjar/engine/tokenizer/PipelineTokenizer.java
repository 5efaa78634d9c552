package dev.nightjar.engine.tokenizer;

import dev.nightjar.engine.tokenizer.AddedTokenMatcher.SpecialFilter;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The steps of every tokenizer here: cut out added tokens, normalise, cut out those that are looked
 * for in normalised text, pre-tokenise, and let the model tokenise each piece. Immutable but for
 * the model's cache.
 */
final class PipelineTokenizer implements Tokenizer {
  private static final byte[] NO_BYTES = {};

  /**
   * The steps of a tokenizer.
   *
   * @param vocabulary the model's own tokens
   * @param addedTokens further tokens, also those that repeat one of the vocabulary
   */
  record Parts(
      Vocabulary vocabulary,
      List<AddedToken> addedTokens,
      Normalizer normalizer,
      PreTokenizer preTokenizer,
      TokenModel model,
      TokenDecoder decoder,
      int bosToAdd,
      int eosToAdd) {}

  private final Parts parts;
  private final AddedTokenMatcher rawMatcher;
  private final AddedTokenMatcher normalizedMatcher;
  private final Map<Integer, AddedToken> addedById = new HashMap<>();
  private final Map<String, Integer> addedIds = new HashMap<>();
  private final BitSet specialIds = new BitSet();
  private final List<String> specialStrings;
  private final int size;

  PipelineTokenizer(Parts parts) {
    this.parts = parts;
    List<AddedToken> raw = new ArrayList<>();
    List<AddedToken> normalized = new ArrayList<>();
    List<String> rawPatterns = new ArrayList<>();
    List<String> normalizedPatterns = new ArrayList<>();
    List<String> specials = new ArrayList<>();
    int end = parts.vocabulary().size();
    for (AddedToken token : parts.addedTokens()) {
      addedById.put(token.id(), token);
      addedIds.put(token.content(), token.id());
      end = Math.max(end, token.id() + 1);
      if (token.special()) {
        specialIds.set(token.id());
      }
      if (token.isControl()) {
        specials.add(token.content());
      }
      if (token.normalized()) {
        normalized.add(token);
        normalizedPatterns.add(parts.normalizer().normalize(token.content()));
      } else {
        raw.add(token);
        rawPatterns.add(token.content());
      }
    }
    size = end;
    rawMatcher = new AddedTokenMatcher(raw, rawPatterns);
    normalizedMatcher = new AddedTokenMatcher(normalized, normalizedPatterns);
    specialStrings = List.copyOf(specials);
  }

  @Override
  public int[] encode(String text) {
    return encode(CodePoints.repairSurrogates(text), SpecialFilter.NONE);
  }

  @Override
  public int[] encodeWithSpecialTokens(String text) {
    return encode(CodePoints.repairSurrogates(text), SpecialFilter.ALL);
  }

  @Override
  public int[] encodeMarked(String text, char marker) {
    String repaired = CodePoints.repairSurrogates(text);
    Marks marks = Marks.of(repaired, marker);
    return encode(marks.text(), marks);
  }

  @Override
  public List<String> specialTokens() {
    return specialStrings;
  }

  private int[] encode(String text, SpecialFilter specials) {
    IntList out = new IntList();
    rawMatcher.split(
        text,
        specials,
        new AddedTokenMatcher.Parts() {
          @Override
          public void text(int from, int to) {
            encodeSegment(text.substring(from, to), from, specials, out);
          }

          @Override
          public void token(int id) {
            out.add(id);
          }
        });
    return out.toArray();
  }

  /** Encodes what lies between two tokens; {@code offset} is where it starts in the whole text. */
  private void encodeSegment(String segment, int offset, SpecialFilter specials, IntList out) {
    boolean atStart = offset == 0;
    if (normalizedMatcher.isEmpty()) {
      encodePieces(parts.normalizer().normalize(segment), atStart, out);
      return;
    }
    SpecialFilter filter = specials;
    String normalized;
    if (specials instanceof Marks marks && marks.anyIn(offset, offset + segment.length())) {
      String marked = marks.restore(segment, offset);
      Marks again = Marks.of(parts.normalizer().normalize(marked), marks.marker());
      filter = again;
      normalized = again.text();
    } else {
      normalized = parts.normalizer().normalize(segment);
      filter = specials == SpecialFilter.NONE ? SpecialFilter.NONE : SpecialFilter.ALL;
    }
    normalizedMatcher.split(
        normalized,
        filter,
        new AddedTokenMatcher.Parts() {
          @Override
          public void text(int from, int to) {
            encodePieces(normalized.substring(from, to), atStart && from == 0, out);
          }

          @Override
          public void token(int id) {
            out.add(id);
          }
        });
  }

  private void encodePieces(String text, boolean atStart, IntList out) {
    if (!text.isEmpty()) {
      parts
          .preTokenizer()
          .split(text, atStart, (piece, first) -> parts.model().tokenize(piece, out));
    }
  }

  @Override
  public byte[] tokenBytes(int id, boolean atStart) {
    if (isSpecial(id)) {
      return NO_BYTES;
    }
    String token = stringOf(id);
    return token == null ? NO_BYTES : parts.decoder().bytes(token, atStart);
  }

  @Override
  public String tokenText(int id) {
    String token = stringOf(id);
    return token == null ? "<unassigned " + id + ">" : token;
  }

  @Override
  public boolean isSpecial(int id) {
    return specialIds.get(id);
  }

  @Override
  public int idOf(String token) {
    Integer added = addedIds.get(token);
    return added != null ? added : parts.vocabulary().idOf(token);
  }

  @Override
  public int vocabSize() {
    return size;
  }

  @Override
  public int bosToAdd() {
    return parts.bosToAdd();
  }

  @Override
  public int eosToAdd() {
    return parts.eosToAdd();
  }

  private String stringOf(int id) {
    if (id < 0 || id >= size) {
      throw new IndexOutOfBoundsException("token id " + id + " is not in [0, " + size + ")");
    }
    AddedToken added = addedById.get(id);
    if (added != null) {
      return added.content();
    }
    return id < parts.vocabulary().size() ? parts.vocabulary().token(id) : null;
  }
}
