package io.baton.common.tools;

/** What a piece of an answer turns out to be. */
public sealed interface ToolEvent {
    /** Text for the reader. */
    record Text(String text) implements ToolEvent {}

    /**
     * A call begins.
     *
     * @param index its number in the answer, from 0
     */
    record Start(int index, String id, String name) implements ToolEvent {}

    /** More of a call's arguments: JSON as the model writes it. */
    record Arguments(int index, String delta) implements ToolEvent {}
}
