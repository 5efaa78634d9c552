package dev.nightjar.engine.format;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.JsonNode;
import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/** Reads JSON from untrusted files: size, nesting, names, strings and numbers are bounded. */
final class JsonFiles {
  static final int MAX_NESTING = 64;

  private static final StreamReadConstraints CONSTRAINTS =
      StreamReadConstraints.builder()
          .maxNestingDepth(MAX_NESTING)
          .maxStringLength(16 << 20)
          .maxNameLength(64 << 10)
          .maxNumberLength(100)
          .maxDocumentLength(256L << 20)
          .build();

  private static final JsonFactory FACTORY =
      JsonFactory.builder()
          .streamReadConstraints(CONSTRAINTS)
          // Names come from the file: interning them would fill the JVM's string table.
          .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
          .build();

  private JsonFiles() {}

  /** A streaming parser over the bytes that refuses duplicate names. */
  static JsonParser parser(byte[] bytes) throws IOException {
    JsonParser parser = FACTORY.createParser(bytes);
    parser.enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION);
    return parser;
  }

  /** Parses a file's bytes; {@code code} is the fault to report. */
  static JsonNode parse(byte[] bytes, String fileName, ErrorCode code) {
    try (JsonParser parser = FACTORY.createParser(bytes)) {
      JsonNode node = JsonTree.read(parser);
      if (node == null || !node.isObject()) {
        throw new EngineException(
            code,
            fileName
                + ": the top level is not a JSON object; the file is damaged, download it again");
      }
      return node;
    } catch (IOException e) {
      throw malformed(fileName, code, e);
    }
  }

  static EngineException malformed(String fileName, ErrorCode code, IOException e) {
    String problem = e.getMessage();
    if (e instanceof JsonProcessingException json) {
      problem = Excerpt.of(json.getOriginalMessage());
      if (json.getLocation() != null) {
        problem += " at line " + json.getLocation().getLineNr();
        problem += ", column " + json.getLocation().getColumnNr();
      }
    }
    return new EngineException(
        code,
        fileName + ": malformed JSON (" + problem + "), expected a JSON object; download it again",
        e);
  }

  /** The whole file, which must not be longer than {@code maxBytes}. */
  static byte[] read(Path file, int maxBytes, ErrorCode code) {
    try (InputStream in = Files.newInputStream(file)) {
      byte[] bytes = in.readNBytes(maxBytes + 1);
      if (bytes.length > maxBytes) {
        throw new EngineException(
            code,
            "%s: the file is longer than the limit of %d bytes for its kind; check the path"
                .formatted(file.getFileName(), maxBytes));
      }
      return bytes;
    } catch (IOException e) {
      throw new EngineException(
          code, file + " cannot be read (" + e + "); check that this process may read it", e);
    }
  }
}
