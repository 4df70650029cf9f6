import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.validation.FhirValidator;
import ca.uhn.fhir.validation.ResultSeverityEnum;
import java.nio.file.Files;
import java.nio.file.Path;
import org.hl7.fhir.common.hapi.validation.support.CommonCodeSystemsTerminologyService;
import org.hl7.fhir.common.hapi.validation.support.InMemoryTerminologyServerValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.PrePopulatedValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.SnapshotGeneratingValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.ValidationSupportChain;
import org.hl7.fhir.common.hapi.validation.validator.FhirInstanceValidator;
import ca.uhn.fhir.context.support.DefaultProfileValidationSupport;

/** Validates FHIR R4 documents: `Validate PROFILES FILE...`; prints what is wrong and ends with 1 on any error. */
public class Validate {
    public static void main(String[] args) throws Exception {
        var context = FhirContext.forR4();
        var profiles = new PrePopulatedValidationSupport(context);
        try (var files = Files.list(Path.of(args[0]))) {
            for (Path file : files.filter(f -> f.toString().endsWith(".json")).sorted().toList()) {
                if (Files.readString(file).contains("\"resourceType\"")) {
                    profiles.addResource(context.newJsonParser().parseResource(Files.readString(file)));
                }
            }
        }
        var chain = new ValidationSupportChain(
            new DefaultProfileValidationSupport(context), profiles, new CommonCodeSystemsTerminologyService(context),
            new InMemoryTerminologyServerValidationSupport(context), new SnapshotGeneratingValidationSupport(context));
        var validator = context.newValidator().registerValidatorModule(new FhirInstanceValidator(chain));
        int errors = 0;
        for (int i = 1; i < args.length; i++) {
            errors += validate(validator, Path.of(args[i]));
        }
        System.exit(errors > 0 ? 1 : 0);
    }

    private static int validate(FhirValidator validator, Path file) throws Exception {
        int errors = 0;
        for (var message : validator.validateWithResult(Files.readString(file)).getMessages()) {
            boolean error = message.getSeverity().compareTo(ResultSeverityEnum.ERROR) >= 0;
            errors += error ? 1 : 0;
            if (message.getSeverity() != ResultSeverityEnum.INFORMATION) {
                System.out.println(message.getSeverity() + " " + message.getLocationString() + " " + message.getMessage());
            }
        }
        System.out.println(file.getFileName() + ": " + errors + " errors");
        return errors;
    }
}
