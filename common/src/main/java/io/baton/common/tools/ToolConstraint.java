package io.baton.common.tools;

import io.baton.common.generation.Constraint;
import java.util.List;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** The language of calls, as a constraint's text. */
public final class ToolConstraint {
    private static final JsonMapper JSON = JsonMapper.builder().build();

    private ToolConstraint() {}

    /**
     * @param many whether more than one call may be written
     * @param mayAnswer whether text may stand instead of calls, or before them; then only strict
     *     tools' arguments are held to their schemas
     */
    public static Constraint of(
            ToolStyle style, List<Tool> tools, boolean many, boolean mayAnswer) {
        ObjectNode spec = JSON.createObjectNode();
        spec.put("style", style.wire());
        spec.put("many", many);
        spec.put("text", mayAnswer);
        ArrayNode list = spec.putArray("tools");
        for (Tool tool : tools) {
            ObjectNode node = list.addObject();
            node.put("name", tool.name());
            if (!mayAnswer || tool.strict()) {
                node.set("schema", JSON.readTree(tool.schema()));
            }
        }
        return new Constraint(Constraint.Kind.TOOLS, spec.toString());
    }
}
