package io.baton.router.http;

/**
 * The prompt as it stands before an answer.
 *
 * @param text empty for none
 * @param showsControl whether the prompt's control tokens are part of the text
 */
record Echo(String text, boolean showsControl) {
    static final Echo NONE = new Echo("", false);
}
