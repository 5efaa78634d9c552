package dev.nightjar.job.report;

import java.io.StringWriter;
import javax.xml.stream.XMLOutputFactory;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamWriter;

/**
 * Writes elements and text as well-formed XML that browsers read as HTML. All text is escaped, and
 * characters that XML has no place for are replaced, whatever they come from. One thread.
 */
final class Markup {
  private static final char REPLACEMENT = '\uFFFD';

  private final StringWriter text = new StringWriter();
  private final XMLStreamWriter xml;

  Markup() {
    try {
      xml = XMLOutputFactory.newDefaultFactory().createXMLStreamWriter(text);
      xml.writeDTD("<!DOCTYPE html>");
    } catch (XMLStreamException e) {
      throw failed(e);
    }
  }

  private static IllegalStateException failed(XMLStreamException e) {
    return new IllegalStateException("markup could not be written", e);
  }

  /** Opens an element; {@code attributes} are names and values. */
  Markup open(String name, String... attributes) {
    try {
      xml.writeStartElement(name);
      attributes(attributes);
      return this;
    } catch (XMLStreamException e) {
      throw failed(e);
    }
  }

  /** Closes the element that was opened last. */
  Markup close() {
    try {
      xml.writeEndElement();
      return this;
    } catch (XMLStreamException e) {
      throw failed(e);
    }
  }

  /** An element without content. */
  Markup empty(String name, String... attributes) {
    try {
      xml.writeEmptyElement(name);
      attributes(attributes);
      return this;
    } catch (XMLStreamException e) {
      throw failed(e);
    }
  }

  private void attributes(String... attributes) throws XMLStreamException {
    for (int i = 0; i < attributes.length; i += 2) {
      xml.writeAttribute(attributes[i], clean(attributes[i + 1]));
    }
  }

  /** Text. */
  Markup text(String content) {
    try {
      xml.writeCharacters(clean(content));
      return this;
    } catch (XMLStreamException e) {
      throw failed(e);
    }
  }

  /** An element with text. */
  Markup leaf(String name, String content, String... attributes) {
    return open(name, attributes).text(content).close();
  }

  /** Text without what XML does not allow: most control characters, halves of surrogate pairs. */
  static String clean(String content) {
    StringBuilder out = new StringBuilder(content.length());
    content
        .codePoints()
        .forEach(point -> {
          boolean control = point < ' ' && point != '\n' && point != '\t';
          boolean half = point >= Character.MIN_SURROGATE && point <= Character.MAX_SURROGATE;
          boolean none = point == 0xFFFE || point == 0xFFFF || point == 0x7F;
          out.appendCodePoint(control || half || none ? REPLACEMENT : point);
        });
    return out.toString();
  }

  /** All that was written. */
  @Override
  public String toString() {
    try {
      xml.flush();
    } catch (XMLStreamException e) {
      throw failed(e);
    }
    return text + "\n";
  }
}
