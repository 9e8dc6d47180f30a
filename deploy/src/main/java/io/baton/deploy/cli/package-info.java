/**
 * The program: commands, composition of the roles, and what a terminal sees. The one place where
 * clocks, random sources, processes and files of the user come from. Results go to stdout, logs to
 * stderr.
 */
@NullMarked
package io.baton.deploy.cli;

import org.jspecify.annotations.NullMarked;
