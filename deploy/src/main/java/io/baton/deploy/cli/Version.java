package io.baton.deploy.cli;

import picocli.CommandLine.IVersionProvider;

/** Baton's version, as the build wrote it into the jar. */
final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
        return new String[] {"baton " + text(), "Java " + Runtime.version()};
    }

    /** The version number; {@code development} when the classes do not come from a jar. */
    static String text() {
        String version = Version.class.getPackage().getImplementationVersion();
        return version == null ? "development" : version;
    }
}
