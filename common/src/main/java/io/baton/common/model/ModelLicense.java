package io.baton.common.model;

/**
 * The terms of a model.
 *
 * @param id short name, SPDX where there is one: {@code apache-2.0}, {@code gemma}
 * @param title for people
 * @param url where the text is
 * @param needsConsent whether the user must agree before the model is pulled
 */
public record ModelLicense(String id, String title, String url, boolean needsConsent) {}
