package io.baton.common.openai;

import io.baton.common.generation.Constraint;

/**
 * A constraint as a request asked for it.
 *
 * @param param the request's field that said it, for errors found later
 */
public record ConstraintOption(Constraint constraint, String param) {}
