/** A small sandboxed Jinja renderer for chat templates. Knows nothing of tokens. */
package dev.nightjar.engine.tokenizer.template;
