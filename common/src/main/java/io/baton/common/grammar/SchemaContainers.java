package io.baton.common.grammar;

import io.baton.common.grammar.SchemaCompiler.Place;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.BooleanNode;
import tools.jackson.databind.node.ObjectNode;

/** Objects and arrays of a schema as parts of a program. */
final class SchemaContainers {
    private static final String OTHER_NAME = "[^\"\\\\\\u0000-\\u001f]{1,64}";

    private final Program.Builder builder;
    private final Terminals terminals;
    private final JsonValues values;
    private final SchemaCompiler schemas;

    SchemaContainers(
            Program.Builder builder,
            Terminals terminals,
            JsonValues values,
            SchemaCompiler schemas) {
        this.builder = builder;
        this.terminals = terminals;
        this.values = values;
        this.schemas = schemas;
    }

    /**
     * The members in the schema's order. {@code fresh}: none was written so far; {@code more}: one
     * was, so a comma comes first.
     *
     * <pre>
     * open -> fresh --gap--> name --"a"--> : --value--> more --,--> name ... --> close
     * </pre>
     */
    void object(Place place, ObjectNode schema, int from, int to) {
        Set<String> required = required(place, schema);
        Map<String, Place> members = members(place, schema, required);
        JsonNode additional = schema.get("additionalProperties");
        if (members.isEmpty() && (additional == null || isTrue(additional))) {
            values.object(from, to);
            return;
        }
        Terminals.Shared shared = terminals.shared();
        int fresh = builder.take(from, shared.open());
        int more = builder.state();
        for (Map.Entry<String, Place> member : members.entrySet()) {
            String name = member.getKey();
            int nextFresh = builder.state();
            int nextMore = builder.state();
            int key = builder.state();
            builder.take(fresh, shared.gap(), key);
            builder.take(more, shared.comma(), key);
            Terminal quoted = terminals.literal(JsonWriting.quoted(name));
            schemas.value(member.getValue(), values.member(key, quoted), nextMore);
            if (!required.contains(name)) {
                builder.skip(fresh, nextFresh);
                builder.skip(more, nextMore);
            }
            fresh = nextFresh;
            more = nextMore;
        }
        if (additional != null && !isFalse(additional)) {
            int key = builder.take(fresh, shared.gap());
            builder.take(more, shared.comma(), key);
            int value = values.member(key, otherNames(members.keySet()));
            schemas.value(place.below(additional, "additionalProperties"), value, more);
        }
        builder.take(fresh, shared.close(), to);
        builder.take(more, shared.close(), to);
    }

    private static boolean isTrue(JsonNode node) {
        return node.isBoolean() && node.booleanValue();
    }

    private static boolean isFalse(JsonNode node) {
        return node.isBoolean() && !node.booleanValue();
    }

    private Terminal otherNames(Set<String> taken) {
        if (taken.isEmpty()) {
            return terminals.shared().key();
        }
        List<Regex> names = new ArrayList<>();
        taken.forEach(name -> names.add(Regex.literal(name)));
        return terminals.without(
                terminals.regex(Regex.quoted(RegexParser.whole(OTHER_NAME)), Nfa.Writing.JSON),
                terminals.regex(Regex.quoted(new Regex.Choice(names)), Nfa.Writing.JSON));
    }

    private static Set<String> required(Place place, ObjectNode schema) {
        JsonNode node = schema.get("required");
        Set<String> names = new LinkedHashSet<>();
        if (node == null) {
            return names;
        }
        if (!node.isArray()) {
            throw Refusal.invalid(place.at("required") + " must be a list of names");
        }
        for (JsonNode name : node) {
            if (!name.isString()) {
                throw Refusal.invalid(place.at("required") + " must be a list of names");
            }
            names.add(name.stringValue());
        }
        return names;
    }

    /** The named properties, then those that are only required. */
    private static Map<String, Place> members(
            Place place, ObjectNode schema, Set<String> required) {
        Map<String, Place> members = new LinkedHashMap<>();
        JsonNode properties = schema.get("properties");
        if (properties != null && !properties.isObject()) {
            throw Refusal.invalid(place.at("properties") + " must be an object");
        }
        if (properties != null) {
            Place inner = place.below(properties, "properties");
            for (var entry : properties.properties()) {
                members.put(
                        entry.getKey(),
                        new Place(entry.getValue(), inner.at(entry.getKey()), place.depth() + 1));
            }
        }
        JsonNode additional = schema.get("additionalProperties");
        for (String name : required) {
            if (!members.containsKey(name)) {
                if (additional != null && isFalse(additional)) {
                    throw Refusal.invalid(
                            "%s names a property that additionalProperties excludes"
                                    .formatted(place.at("required")));
                }
                members.put(
                        name,
                        place.below(
                                additional == null ? BooleanNode.TRUE : additional,
                                "additionalProperties"));
            }
        }
        return members;
    }

    /** What an array's items are and how many. */
    private record Items(List<Place> first, @Nullable Place rest, int min, int max) {
        static Items of(Place place, ObjectNode schema) {
            List<Place> first = new ArrayList<>();
            JsonNode prefix = schema.get("prefixItems");
            if (prefix != null && !prefix.isArray()) {
                throw Refusal.invalid(place.at("prefixItems") + " must be a list of schemas");
            }
            if (prefix != null) {
                for (JsonNode item : prefix) {
                    first.add(place.below(item, "prefixItems", first.size()));
                }
            }
            int min = SchemaScalars.count(place, schema, "minItems", 0);
            int max = SchemaScalars.count(place, schema, "maxItems", -1);
            JsonNode items = schema.get("items");
            if (items != null && items.isArray()) {
                throw Refusal.unsupported(
                        "a list at %s is not supported; use prefixItems"
                                .formatted(place.at("items")));
            }
            boolean none = items == null ? !first.isEmpty() && min <= first.size() : isFalse(items);
            Place rest =
                    none ? null : place.below(items == null ? BooleanNode.TRUE : items, "items");
            int most = none ? first.size() : max;
            most = max >= 0 && most >= 0 ? Math.min(max, most) : most;
            int least = Math.max(min, most < 0 ? first.size() : Math.min(first.size(), most));
            if (most >= 0 && least > most) {
                throw Refusal.invalid(
                        "%s needs at least %d items and takes at most %d"
                                .formatted(place.pointer(), least, most));
            }
            return new Items(first, rest, least, most);
        }
    }

    /**
     * The items in a chain as long as they are counted, then in a loop. All items that {@code
     * prefixItems} names are written, where {@code maxItems} lets them.
     */
    void list(Place place, ObjectNode schema, int from, int to) {
        Items items = Items.of(place, schema);
        Terminals.Shared shared = terminals.shared();
        int rule = restRule(items);
        int at = builder.take(from, shared.openList());
        int counted = items.max() < 0 ? items.min() : items.max();
        for (int i = 0; i < counted; i++) {
            if (i >= items.min()) {
                builder.take(at, shared.closeList(), to);
            }
            int item = builder.take(at, i == 0 ? shared.gap() : shared.comma());
            at = builder.state();
            if (i < items.first().size()) {
                schemas.value(items.first().get(i), item, at);
            } else {
                builder.call(item, rule, at);
            }
        }
        builder.take(at, shared.closeList(), to);
        if (items.max() < 0) {
            int more = counted == 0 ? builder.state() : at;
            int item = builder.take(at, counted == 0 ? shared.gap() : shared.comma());
            builder.call(item, rule, more);
            if (counted == 0) {
                builder.take(more, shared.comma(), item);
                builder.take(more, shared.closeList(), to);
            }
        }
    }

    /** The rule of the items that follow the named ones; none if there are none. */
    private int restRule(Items items) {
        Place rest = items.rest();
        if (rest == null || items.max() >= 0 && items.max() <= items.first().size()) {
            return -1;
        }
        int rule = builder.state();
        schemas.value(rest, rule, builder.end());
        return rule;
    }
}
