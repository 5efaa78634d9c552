package dev.nightjar.engine.tokenizer.template;

/** What can be called: built-in functions and macros. */
interface Callable {
  Object call(Arguments arguments);
}
