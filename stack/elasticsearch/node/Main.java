import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import org.elasticsearch.common.logging.LogConfigurator;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.env.Environment;
import org.elasticsearch.node.Node;
import org.elasticsearch.plugins.PluginsLoader;

/**
 * One Elasticsearch node, until it is ended: {@code Main CONFIG_FOLDER}.
 *
 * <p>Every setting is in the folder's elasticsearch.yml, as on a server.
 */
public final class Main {

    private Main() {}

    public static void main(String[] arguments) throws Exception {
        try {
            start(Path.of(arguments[0]));
        } catch (Exception error) {
            // Threads that are no daemons would keep a node alive that did not start.
            error.printStackTrace();
            System.exit(1);
        }
        new CountDownLatch(1).await(); // every thread of a node is a daemon
    }

    private static void start(Path config) throws Exception {
        Settings settings =
            Settings.builder().loadFromPath(config.resolve("elasticsearch.yml")).build();
        LogConfigurator.configureESLogging();
        LogConfigurator.configureWithoutConfig(settings);
        Environment environment = new Environment(settings, config);
        PluginsLoader modules =
            PluginsLoader.createPluginsLoader(
                PluginsLoader.loadModulesBundles(environment.modulesDir()),
                Set.of(),
                Map.of(),
                false);
        Node node = new Node(environment, modules);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> close(node)));
        node.start();
    }

    private static void close(Node node) {
        try {
            node.prepareForClose();
            node.close();
        } catch (Exception error) {
            error.printStackTrace();
        }
    }
}
