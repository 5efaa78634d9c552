package dev.nightjar.engine.tokenizer.template;

import java.util.Map;

/** The one thing templates may change: attributes that survive the scope they are set in. */
record Namespace(Map<String, Object> attributes) {}
