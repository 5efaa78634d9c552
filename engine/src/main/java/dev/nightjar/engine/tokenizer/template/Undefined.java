package dev.nightjar.engine.tokenizer.template;

/** What a name or attribute that does not exist is: empty when written, an error when used. */
record Undefined(String what) {}
