package io.baton.common.config;

/** Where a value comes from. The strongest wins: flag, environment, file, default. */
public sealed interface Origin {
    /** The table's default. */
    record Default() implements Origin {
        @Override
        public String toString() {
            return "default";
        }
    }

    /** A configuration file. */
    record File(String path) implements Origin {
        @Override
        public String toString() {
            return "file " + path;
        }
    }

    /** An environment variable. */
    record Environment(String name) implements Origin {
        @Override
        public String toString() {
            return "environment " + name;
        }
    }

    /** The command line. */
    record CommandLine(String flag) implements Origin {
        @Override
        public String toString() {
            return "flag " + flag;
        }
    }
}
