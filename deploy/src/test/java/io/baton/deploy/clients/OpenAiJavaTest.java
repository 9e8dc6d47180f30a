package io.baton.deploy.clients;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.http.StreamResponse;
import com.openai.errors.BadRequestException;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.chat.completions.StructuredChatCompletionCreateParams;
import io.baton.deploy.DemoCluster;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** The official Java client against a real cluster. */
@ExtendWith(DemoCluster.class)
class OpenAiJavaTest {
    private static OpenAIClient client(DemoCluster cluster) {
        return OpenAIOkHttpClient.builder()
                .baseUrl(cluster.url() + "/v1")
                .apiKey("none")
                .maxRetries(0)
                .build();
    }

    private static ChatCompletionCreateParams.Builder request(OpenAIClient client) {
        return ChatCompletionCreateParams.builder()
                .model(client.models().list().data().getFirst().id())
                .addUserMessage("Hello there")
                .maxTokens(12)
                .temperature(0.0);
    }

    @Test
    void aConversationAndItsStreamAgree(DemoCluster cluster) {
        OpenAIClient client = client(cluster);
        ChatCompletion first = client.chat().completions().create(request(client).build());
        ChatCompletionCreateParams next =
                request(client)
                        .addMessage(first.choices().getFirst().message())
                        .addUserMessage("And then?")
                        .build();
        ChatCompletion whole = client.chat().completions().create(next);
        List<ChatCompletionChunk> chunks;
        try (StreamResponse<ChatCompletionChunk> stream =
                client.chat().completions().createStreaming(next)) {
            chunks = stream.stream().toList();
        }
        String text =
                chunks.stream()
                        .flatMap(chunk -> chunk.choices().stream())
                        .map(choice -> choice.delta().content().orElse(""))
                        .collect(Collectors.joining());
        assertEquals(whole.choices().getFirst().message().content().orElse(""), text);
        assertEquals(
                1,
                chunks.stream()
                        .flatMap(chunk -> chunk.choices().stream())
                        .filter(choice -> choice.finishReason().isPresent())
                        .count());
        assertTrue(whole.usage().orElseThrow().promptTokens() > 0);
    }

    /** What an answer is read into. */
    public static class Person {
        public String name = "";
        public int age;
    }

    @Test
    void aClassIsTheSchemaOfAnAnswer(DemoCluster cluster) {
        OpenAIClient client = client(cluster);
        StructuredChatCompletionCreateParams<Person> params =
                ChatCompletionCreateParams.builder()
                        .model(client.models().list().data().getFirst().id())
                        .addUserMessage("Who are you?")
                        .temperature(1.0)
                        .seed(7)
                        .responseFormat(Person.class)
                        .build();
        var choice = client.chat().completions().create(params).choices().getFirst();
        if (choice.finishReason().equals(ChatCompletion.Choice.FinishReason.STOP)) {
            Person person = choice.message().content().orElseThrow();
            assertTrue(person.age > Integer.MIN_VALUE && person.name != null);
        }
    }

    @Test
    void aBadValueIsATypedError(DemoCluster cluster) {
        OpenAIClient client = client(cluster);
        BadRequestException error =
                assertThrows(
                        BadRequestException.class,
                        () ->
                                client.chat()
                                        .completions()
                                        .create(request(client).temperature(-3.0).build()));
        assertEquals("temperature", error.param().orElse(""));
    }

    @Test
    void aClosedStreamFreesTheCluster(DemoCluster cluster) throws Exception {
        OpenAIClient client = client(cluster);
        try (StreamResponse<ChatCompletionChunk> stream =
                client.chat()
                        .completions()
                        .createStreaming(
                                request(client)
                                        .maxTokens(200)
                                        .putAdditionalBodyProperty(
                                                "ignore_eos", com.openai.core.JsonValue.from(true))
                                        .build())) {
            assertTrue(stream.stream().findFirst().isPresent());
        }
        cluster.awaitIdle();
    }
}
