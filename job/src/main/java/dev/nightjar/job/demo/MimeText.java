package dev.nightjar.job.demo;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.Charset;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The text of a raw mail: headers, encoded words, the first readable part of a MIME body, HTML
 * without its tags.
 */
final class MimeText {
  private static final Pattern ENCODED_WORD =
      Pattern.compile("=\\?([A-Za-z0-9._-]+)\\?([BbQq])\\?([^?]*)\\?=(?:\\s+(?==\\?))?");

  private static final Pattern CHARSET = Pattern.compile("charset\\s*=\\s*\"?([A-Za-z0-9._:-]+)");

  private static final Pattern BOUNDARY =
      Pattern.compile("boundary\\s*=\\s*(?:\"([^\"]+)\"|([^\\s;]+))", Pattern.CASE_INSENSITIVE);

  private static final Charset FALLBACK = Charset.forName("windows-1252");

  static Map<String, String> headers(String head) {
    Map<String, String> headers = new TreeMap<>();
    String name = null;
    for (String line : head.split("\n")) {
      if (!line.isEmpty() && (line.charAt(0) == ' ' || line.charAt(0) == '\t')) {
        if (name != null) {
          headers.computeIfPresent(name, (k, v) -> v + " " + line.strip());
        }
        continue;
      }
      int colon = line.indexOf(':');
      if (colon <= 0 || line.substring(0, colon).indexOf(' ') >= 0) {
        name = null;
        continue;
      }
      name = line.substring(0, colon).toLowerCase(Locale.ROOT);
      if (headers.containsKey(name)) {
        name = null;
        continue;
      }
      headers.put(name, line.substring(colon + 1).strip());
    }
    return headers;
  }

  static String body(Map<String, String> headers, String body, int depth) {
    String type = headers.getOrDefault("content-type", "text/plain");
    String lowerType = type.toLowerCase(Locale.ROOT);
    if (lowerType.startsWith("multipart/") && depth < 4) {
      Matcher matcher = BOUNDARY.matcher(type);
      if (matcher.find()) {
        String boundary = matcher.group(1) != null ? matcher.group(1) : matcher.group(2);
        String best = "";
        for (String part : parts(body, boundary)) {
          int split = part.indexOf("\n\n");
          boolean bare = part.startsWith("\n") || split < 0;
          Map<String, String> sub = bare ? Map.of() : headers(part.substring(0, split));
          String subType = sub.getOrDefault("content-type", "text/plain").toLowerCase(Locale.ROOT);
          if (!subType.startsWith("text/") && !subType.startsWith("multipart/")) {
            continue;
          }
          String text = body(sub, bare ? part : part.substring(split + 2), depth + 1);
          if (best.isBlank()) {
            best = text;
          }
          if (subType.startsWith("text/plain") && !text.isBlank()) {
            return text;
          }
        }
        return best;
      }
    }
    String text = transfer(headers, lowerType, body);
    boolean html = lowerType.startsWith("text/html");
    if (!html && text.length() > 0) {
      String start = text.stripLeading();
      html = start.regionMatches(true, 0, "<html", 0, 5) || start.startsWith("<!DOCTYPE");
    }
    return html ? stripHtml(text) : text;
  }

  private static List<String> parts(String body, String boundary) {
    List<String> parts = new ArrayList<>();
    String mark = "--" + boundary;
    int at = body.indexOf(mark);
    while (at >= 0) {
      int from = body.indexOf('\n', at);
      if (from < 0 || body.startsWith("--", at + mark.length())) {
        break;
      }
      int next = body.indexOf(mark, from);
      parts.add(body.substring(from + 1, next < 0 ? body.length() : next));
      at = next;
    }
    return parts;
  }

  private static String transfer(Map<String, String> headers, String type, String body) {
    String encoding =
        headers.getOrDefault("content-transfer-encoding", "").strip().toLowerCase(Locale.ROOT);
    Matcher matcher = CHARSET.matcher(type);
    String charset = matcher.find() ? matcher.group(1) : null;
    String head = body.length() > 60_000 ? body.substring(0, 60_000) : body;
    if (encoding.equals("quoted-printable")) {
      return decode(quotedPrintable(head.replace("=\n", ""), false), charset);
    } else if (encoding.equals("base64")) {
      return decode(base64(head), charset);
    }
    return head;
  }

  private static byte[] quotedPrintable(String text, boolean underscore) {
    ByteArrayOutputStream out = new ByteArrayOutputStream(text.length());
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '=' && i + 2 < text.length() && hex(text, i + 1) >= 0) {
        out.write(hex(text, i + 1));
        i += 2;
      } else if (c == '_' && underscore) {
        out.write(' ');
      } else {
        byte[] bytes = String.valueOf(c).getBytes(StandardCharsets.UTF_8);
        out.write(bytes, 0, bytes.length);
      }
    }
    return out.toByteArray();
  }

  private static int hex(String text, int at) {
    if (at + 1 >= text.length()) {
      return -1;
    }
    int high = Character.digit(text.charAt(at), 16);
    int low = Character.digit(text.charAt(at + 1), 16);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
  }

  private static byte[] base64(String text) {
    String clean = text.replaceAll("[^A-Za-z0-9+/]", "");
    clean = clean.substring(0, clean.length() / 4 * 4);
    return Base64.getDecoder().decode(clean);
  }

  static String decodeWords(String header) {
    Matcher matcher = ENCODED_WORD.matcher(header);
    StringBuilder out = new StringBuilder();
    while (matcher.find()) {
      byte[] bytes =
          matcher.group(2).equalsIgnoreCase("B")
              ? base64(matcher.group(3))
              : quotedPrintable(matcher.group(3), true);
      matcher.appendReplacement(out, Matcher.quoteReplacement(decode(bytes, matcher.group(1))));
    }
    return matcher.appendTail(out).toString();
  }

  static String decode(byte[] bytes, String charset) {
    try {
      return StandardCharsets.UTF_8
          .newDecoder()
          .onMalformedInput(CodingErrorAction.REPORT)
          .decode(ByteBuffer.wrap(bytes))
          .toString();
    } catch (CharacterCodingException e) {
      try {
        if (charset != null && Charset.isSupported(charset)) {
          return new String(bytes, Charset.forName(charset));
        }
      } catch (IllegalArgumentException ignored) {
        // An unusable charset name is common in this corpus; the fallback below is as good.
      }
      return new String(bytes, FALLBACK);
    }
  }

  private static String stripHtml(String html) {
    return html.replaceAll("(?s)<!--.*?-->", " ")
        .replaceAll("(?is)<(style|script|title)\\b.*?</\\1\\s*>", " ")
        .replaceAll("<[^<>]{0,2000}>", " ")
        .replace("&nbsp;", " ")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&amp;", "&")
        .replaceAll("&#?[A-Za-z0-9]{1,8};", " ");
  }

  private MimeText() {}
}
