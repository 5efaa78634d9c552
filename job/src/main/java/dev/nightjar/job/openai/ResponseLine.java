package dev.nightjar.job.openai;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.nightjar.engine.api.ErrorCode;
import dev.nightjar.engine.api.SamplingParams;
import dev.nightjar.job.Digests;
import dev.nightjar.udfs.PromptSource.BatchLines;
import dev.nightjar.udfs.ResultSchema;
import dev.nightjar.udfs.openai.BatchLine;
import dev.nightjar.udfs.openai.BatchLineReader;
import dev.nightjar.udfs.openai.Endpoint;
import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Locale;
import org.apache.spark.sql.Row;

/**
 * A line of a batch's output or error file. Identifiers are hashes and {@code created} is the run's
 * date, so that the same batch gives the same bytes; only {@code cached_tokens} tells what happened
 * to run before.
 *
 * @param isError whether it belongs to the error file
 */
record ResponseLine(boolean isError, String json) implements Serializable {
  private static final JsonMapper JSON = new JsonMapper();
  private static final int ID_DIGITS = 32;
  private static final int OK = 200;
  private static final int BAD_REQUEST = 400;

  /** Stands for a probability of 0, as in OpenAI's answers. */
  private static final float LEAST_LOGPROB = -9999;

  /** For names only, which no default changes. */
  private static final BatchLineReader READER = new BatchLineReader(SamplingParams.greedy(1));

  /**
   * Makes a line.
   *
   * @param row of the result table, with {@link BatchInput#LINE}
   */
  static ResponseLine of(Row row) {
    BatchLine request = READER.read(row.getAs(BatchLines.REQUEST));
    long number = row.getAs(BatchInput.LINE);
    String id =
        Digests.sha256(number + ":" + row.getAs(BatchInput.KEY) + ":" + row.getAs("request_hash"))
            .substring(0, ID_DIGITS);
    ObjectNode line = JSON.createObjectNode();
    line.put("id", "batch_req_" + id);
    line.put("custom_id", request.customId());
    boolean isError = row.getAs("status").equals(ResultSchema.ERROR);
    if (isError) {
      String where = request.customId() == null ? "line " + number + ": " : "";
      fail(line, id, where, row.getAs("error"));
    } else {
      line.set("response", response(OK, id, body(request.endpoint(), id, row)));
      line.putNull("error");
    }
    return new ResponseLine(isError, line.toString());
  }

  private static ObjectNode response(int status, String id, ObjectNode body) {
    ObjectNode response = JSON.createObjectNode();
    response.put("status_code", status);
    response.put("request_id", "req_" + id);
    response.set("body", body);
    return response;
  }

  /** A fault of the request has a response that says so; any other one has none. */
  private static void fail(ObjectNode line, String id, String where, Row error) {
    ErrorCode code = ErrorCode.valueOf(error.getAs("code"));
    String message = where + error.getAs("message");
    if (code.retriable()) {
      line.putNull("response");
      line.putObject("error").put("code", name(code)).put("message", message);
      return;
    }
    ObjectNode body = JSON.createObjectNode();
    body.putObject("error")
        .put("message", message)
        .put("type", "invalid_request_error")
        .putNull("param")
        .put("code", name(code));
    line.set("response", response(BAD_REQUEST, id, body));
    line.putNull("error");
  }

  private static String name(ErrorCode code) {
    return switch (code) {
      case CONTEXT_OVERFLOW -> "context_length_exceeded";
      case TIME_LIMIT -> "request_timeout";
      default -> code.name().toLowerCase(Locale.ROOT);
    };
  }

  private static ObjectNode body(Endpoint endpoint, String id, Row row) {
    ObjectNode body = JSON.createObjectNode();
    if (endpoint == Endpoint.EMBEDDINGS) {
      body.put("object", "list");
      ObjectNode data = body.putArray("data").addObject();
      data.put("object", "embedding").put("index", 0).set("embedding", vector(row.getAs("text")));
      body.put("model", row.<String>getAs("model"));
      Row usage = row.getAs("usage");
      int tokens = usage.getAs("prompt_tokens");
      body.putObject("usage").put("prompt_tokens", tokens).put("total_tokens", tokens);
      return body;
    }
    boolean chat = endpoint == Endpoint.CHAT;
    body.put("id", (chat ? "chatcmpl-" : "cmpl-") + id);
    body.put("object", chat ? "chat.completion" : "text_completion");
    body.put("created", created(row.getAs(ResultSchema.RUN_DATE)));
    body.put("model", row.<String>getAs("model"));
    ObjectNode choice = body.putArray("choices").addObject();
    choice.put("index", 0);
    String text = row.getAs("text");
    List<Row> tokens =
        row.isNullAt(row.fieldIndex("logprobs")) ? null : row.getList(row.fieldIndex("logprobs"));
    if (chat) {
      choice.putObject("message").put("role", "assistant").put("content", text).putNull("refusal");
      choice.set("logprobs", tokens == null ? null : chatLogprobs(tokens));
    } else {
      choice.put("text", text);
      choice.set("logprobs", tokens == null ? null : textLogprobs(tokens));
    }
    choice.put("finish_reason", row.<String>getAs("finish_reason"));
    body.set("usage", usage(row.getAs("usage")));
    body.put("system_fingerprint", "fp_" + row.<String>getAs("model_fingerprint"));
    return body;
  }

  /** Midnight of the run's date, in seconds since 1970. */
  private static long created(Object runDate) {
    LocalDate date = runDate instanceof java.sql.Date sql ? sql.toLocalDate() : (LocalDate) runDate;
    return date.atStartOfDay(ZoneOffset.UTC).toEpochSecond();
  }

  private static ArrayNode vector(String text) {
    try {
      return (ArrayNode) JSON.readTree(text);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("the text of an embedding is a JSON array", e);
    }
  }

  private static ObjectNode usage(Row usage) {
    Row details = usage.getAs("prompt_tokens_details");
    ObjectNode node = JSON.createObjectNode();
    node.put("prompt_tokens", usage.<Integer>getAs("prompt_tokens"));
    node.put("completion_tokens", usage.<Integer>getAs("completion_tokens"));
    node.put("total_tokens", usage.<Integer>getAs("total_tokens"));
    node.putObject("prompt_tokens_details")
        .put("cached_tokens", details.<Integer>getAs("cached_tokens"));
    return node;
  }

  private static ObjectNode chatLogprobs(List<Row> tokens) {
    ObjectNode node = JSON.createObjectNode();
    ArrayNode content = node.putArray("content");
    for (Row token : tokens) {
      ArrayNode top = put(content.addObject(), token).putArray("top_logprobs");
      for (Row alternative : token.<Row>getList(token.fieldIndex("top_logprobs"))) {
        put(top.addObject(), alternative);
      }
    }
    node.putNull("refusal");
    return node;
  }

  private static ObjectNode put(ObjectNode node, Row token) {
    String text = token.getAs("token");
    node.put("token", text).put("logprob", logprob(token));
    if (text.indexOf('\uFFFD') >= 0) {
      node.putNull("bytes");
    } else {
      ArrayNode bytes = node.putArray("bytes");
      for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
        bytes.add(Byte.toUnsignedInt(b));
      }
    }
    return node;
  }

  private static float logprob(Row token) {
    return Math.max(LEAST_LOGPROB, token.<Float>getAs("logprob"));
  }

  /** The older form: lists side by side, with offsets of tokens in the answer. */
  private static ObjectNode textLogprobs(List<Row> tokens) {
    ObjectNode node = JSON.createObjectNode();
    ArrayNode texts = node.putArray("tokens");
    ArrayNode values = node.putArray("token_logprobs");
    ArrayNode tops = node.putArray("top_logprobs");
    ArrayNode offsets = node.putArray("text_offset");
    int offset = 0;
    for (Row token : tokens) {
      String text = token.getAs("token");
      texts.add(text);
      values.add(logprob(token));
      ObjectNode top = tops.addObject();
      for (Row alternative : token.<Row>getList(token.fieldIndex("top_logprobs"))) {
        top.put(alternative.<String>getAs("token"), logprob(alternative));
      }
      offsets.add(offset);
      offset += text.codePointCount(0, text.length());
    }
    return node;
  }
}
