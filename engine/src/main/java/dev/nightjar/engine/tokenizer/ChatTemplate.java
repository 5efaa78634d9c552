package dev.nightjar.engine.tokenizer;

import dev.nightjar.engine.api.ChatMessage;
import dev.nightjar.engine.tokenizer.template.Template;
import dev.nightjar.engine.tokenizer.template.TemplateOptions;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A model's chat template: renders a conversation as the text the model was trained on. It runs
 * sandboxed: no reflection, no input or output, bounded work, and no clock, so that a prompt is the
 * same every day; a template that cannot do without gets 26 July 2024. Immutable and safe for
 * concurrent use.
 */
public final class ChatTemplate {
  /** What a template without a clock takes for today; Llama 3.2's says so itself. */
  private static final LocalDateTime NO_CLOCK = LocalDateTime.of(2024, 7, 26, 0, 0);

  private final Template template;
  private final TemplateOptions templateOptions;
  private final String source;
  private final String bosToken;
  private final String eosToken;

  private ChatTemplate(String source, String bosToken, String eosToken) {
    this.source = source;
    this.template = Template.parse(source);
    boolean needsClock =
        source.contains("strftime_now") && !source.contains("strftime_now is defined");
    this.templateOptions =
        needsClock ? TemplateOptions.DEFAULT.withNow(NO_CLOCK) : TemplateOptions.DEFAULT;
    this.bosToken = bosToken;
    this.eosToken = eosToken;
  }

  /**
   * Parses a Jinja template; one that is malformed or uses what is not supported is a {@code
   * TEMPLATE_ERROR}.
   *
   * @param bosToken the string of the begin-of-sequence token, which templates may write; empty if
   *     there is none
   * @param eosToken likewise of the end-of-sequence token
   */
  public static ChatTemplate of(String source, String bosToken, String eosToken) {
    return new ChatTemplate(source, bosToken, eosToken);
  }

  /** The template as the model has it. */
  public String source() {
    return source;
  }

  /**
   * Renders a conversation with the answer of the model opened; faults are {@code TEMPLATE_ERROR}s.
   */
  public String render(List<ChatMessage> messages) {
    return render(messages, Map.of());
  }

  /**
   * Renders a conversation; {@code options} are further variables for the template, such as
   * add_generation_prompt.
   */
  public String render(List<ChatMessage> messages, Map<String, Object> options) {
    List<Object> list = new ArrayList<>(messages.size());
    for (ChatMessage message : messages) {
      Map<Object, Object> fields = new LinkedHashMap<>();
      fields.put("role", message.role());
      fields.put("content", message.content());
      list.add(fields);
    }
    Map<String, Object> variables = new LinkedHashMap<>();
    variables.put("messages", list);
    // Hugging Face's library gives these always, without a value when there are none.
    variables.put("tools", null);
    variables.put("documents", null);
    variables.put("add_generation_prompt", true);
    variables.put("bos_token", bosToken);
    variables.put("eos_token", eosToken);
    variables.putAll(options);
    return template.render(variables, templateOptions);
  }
}
